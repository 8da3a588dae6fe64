"""What the calls say of each sample's quality: call rate, heterozygosity, and whether its X fits its sex.

| column | meaning |
|---|---|
| `call_rate` | called among all variants that were read, Y apart |
| `heterozygosity` | heterozygous among called on the autosomes |
| `x_f` | inbreeding coefficient on X: (observed - expected homozygous) / (called - expected) |
| `sex_check` | `ok`, `mismatch`, or `unclear` (`x_f` between 0.2 and 0.8); null where the source says no sex |

Expected homozygous calls are 1 - 2 p (1 - p) a variant, p being the frequency in the whole cohort (as in plink
--check-sex, whose limits these are).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from workers.genomics.chromosomes import AUTOSOMES, FEMALE, MALE, X
from workers.genomics.contract import GenotypeChunk
from workers.genomics.genotypes.ploidy import Haploid, Numbers, is_among
from workers.genomics.genotypes.settings import GenotypesInput
from workers.genomics.kernels.sample_counts import count_samples

CALL_RATE = "call_rate"
HETEROZYGOSITY = "heterozygosity"
X_F = "x_f"
SEX_CHECK = "sex_check"
_ONE, _FLAGS = np.uint8(1), np.uint8(0x55)
_FEMALE_BELOW = 0.2
_MALE_ABOVE = 0.8


def header_types(source: GenotypesInput, variants: pl.DataFrame, counted: bool) -> dict[str, str]:
    """The columns by type. Of X only where there is one, and the cohort is counted."""
    if source.qc == "none":
        return {}
    of_all = {CALL_RATE: "float64", HETEROZYGOSITY: "float64"}
    return of_all | ({X_F: "float64", SEX_CHECK: "string"} if counted and (variants["chrom"] == X).any() else {})


class QcFacts:
    """What is known of the variants, once for all shards. `frequencies`: `variant_idx`, `alt_freq`, if there are any.

    `wanted`: the variants to look at, None for all.
    """

    def __init__(
        self, variants: pl.DataFrame, haploid: Haploid, frequencies: pl.DataFrame | None, wanted: Numbers | None
    ) -> None:
        self.wanted = wanted
        self.autosomal: Numbers = variants.filter(pl.col("chrom").is_in(AUTOSOMES))["variant_idx"].to_numpy()
        self.y = haploid.y
        self.x: Numbers = haploid.x if frequencies is not None else haploid.x[:0]
        known = pl.DataFrame({"variant_idx": self.x}, schema={"variant_idx": pl.Int64})
        share = np.full(len(self.x), np.nan)
        if frequencies is not None:
            found = known.join(frequencies, on="variant_idx", how="left", maintain_order="left")["alt_freq"]
            share = found.cast(pl.Float64).fill_null(np.nan).to_numpy()
        self.expected = 1 - 2 * share * (1 - share)
        """(x,): homozygous calls that are expected of each call; NaN where nobody's call is known"""


class _Tally:
    """Calls of every sample over some variants."""

    def __init__(self, samples: int) -> None:
        self._samples = samples
        self.variants = 0
        self.het = np.zeros(samples, np.int64)
        self.missing = np.zeros(samples, np.int64)

    def add(self, packed: NDArray[np.uint8], rows: NDArray[np.intp]) -> None:
        """Count these rows."""
        chosen = packed if len(rows) == len(packed) else packed[rows]
        het, _, missing = count_samples(chosen, self._samples)
        self.variants += len(rows)
        self.het += het
        self.missing += missing


class SampleQc:
    """Takes the chunks of a shard in. Implements workers.genomics.genotypes.scanning.Taker."""

    is_diploid = True

    def __init__(self, facts: QcFacts, sex: NDArray[np.int8]) -> None:
        self._facts = facts
        self._sex = sex
        self._autosomal = _Tally(len(sex))
        self._rest = _Tally(len(sex))
        self._x = _Tally(len(sex))
        self._x_expected = np.zeros(len(sex))

    @property
    def wanted(self) -> Numbers | None:
        """The variants that the figures of quality count."""
        return self._facts.wanted

    def add(self, chunk: GenotypeChunk) -> None:
        """Count calls of every sample by kind, apart on autosomes, X and the rest."""
        index = chunk.variant_idx
        mine = np.ones(len(index), np.bool_) if self._facts.wanted is None else is_among(index, self._facts.wanted)
        mine &= ~is_among(index, self._facts.y)
        autosomal = mine & is_among(index, self._facts.autosomal)
        self._autosomal.add(chunk.packed, np.flatnonzero(autosomal))
        self._rest.add(chunk.packed, np.flatnonzero(mine & ~autosomal))
        on_x = np.flatnonzero(mine & is_among(index, self._facts.x))
        expected = self._facts.expected[np.searchsorted(self._facts.x, index[on_x])]
        self._add_x(chunk.packed[on_x[~np.isnan(expected)]], expected[~np.isnan(expected)])

    def _add_x(self, packed: NDArray[np.uint8], expected: NDArray[np.float64]) -> None:
        self._x.add(packed, np.arange(len(packed)))
        self._x_expected += expected.sum()
        for row, value in zip(packed, expected, strict=True):
            missing = row & (row >> _ONE) & _FLAGS
            where = np.flatnonzero(missing)
            for place in range(4):
                samples = 4 * where[(missing[where] >> np.uint8(2 * place)) & _ONE == 1] + place
                self._x_expected[samples] -= value

    def columns(self) -> Mapping[str, Any]:
        """All columns that `header_types` can name; null where nothing was looked at."""
        autosomal, rest = self._autosomal, self._rest
        looked_at = autosomal.variants + rest.variants
        missing = autosomal.missing + rest.missing
        called = autosomal.variants - autosomal.missing
        x_called = self._x.variants - self._x.missing
        x_f = _ratio(x_called - self._x.het - self._x_expected, x_called - self._x_expected)
        return {
            CALL_RATE: _nullable(_ratio(looked_at - missing, np.full(len(self._sex), looked_at))),
            HETEROZYGOSITY: _nullable(_ratio(autosomal.het, called)),
            X_F: _nullable(x_f),
            SEX_CHECK: [_check(int(sex), f) for sex, f in zip(self._sex, x_f, strict=True)],
        }


def _check(sex: int, f: float) -> str | None:
    if sex not in (MALE, FEMALE) or np.isnan(f):
        return None
    if _FEMALE_BELOW <= f <= _MALE_ABOVE:
        return "unclear"
    return "ok" if (f > _MALE_ABOVE) == (sex == MALE) else "mismatch"


def _ratio(above: NDArray[Any], below: NDArray[Any]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
    return shares


def _nullable(values: NDArray[np.float64]) -> Any:
    return pl.Series(values).fill_nan(None).to_arrow()
