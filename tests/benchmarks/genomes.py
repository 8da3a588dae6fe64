"""A cohort of 20,000 samples and 50,000 variants as PLINK 2 files, and tables of weights; made once, then kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pgenlib
import polars as pl
from numpy.typing import NDArray

SAMPLES = 20_000
VARIANTS = 50_000
MISSING = 0.002
_BLOCK = 500
_PAIRS = (("A", "G"), ("C", "T"), ("G", "A"), ("T", "C"), ("A", "C"), ("G", "T"))
"""REF and ALT; none is its own complement, so that no variant is ambiguous"""


@dataclass(frozen=True)
class Genomes:
    """Where the files lie: `prefix` with .pgen, .pvar and .psam behind it."""

    prefix: Path
    samples: int
    variants: int

    def file(self, ending: str) -> Path:
        """One of the three."""
        return self.prefix.with_suffix(ending)


def genomes(folder: Path, samples: int = SAMPLES, variants: int = VARIANTS) -> Genomes:
    """Make the cohort, or find it: minor alleles of 0.5 to 50 %, evenly, as scores have them; 0.2 % missing."""
    made = Genomes(folder / f"genomes-{samples}x{variants}" / "cohort", samples, variants)
    if made.file(".psam").exists():
        return made
    made.prefix.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(20_000)
    _write_pgen(made, rng)
    variant_table(made).select(
        pl.col("chrom").alias("#CHROM"), pl.col("pos").alias("POS"), pl.col("id").alias("ID"),
        pl.col("ref").alias("REF"), pl.col("alt").alias("ALT"),
    ).write_csv(made.file(".pvar"), separator="\t")  # fmt: skip
    people = pl.DataFrame({"#IID": [f"S{number:06d}" for number in range(samples)], "SEX": ["NA"] * samples})
    people.write_csv(made.file(".psam"), separator="\t")
    return made


def variant_table(of: Genomes) -> pl.DataFrame:
    """chrom, pos, id, ref, alt: spread over 22 chromosomes."""
    rng = np.random.default_rng(22)
    number = np.arange(of.variants)
    pair = rng.integers(0, len(_PAIRS), of.variants)
    chrom = number * 22 // of.variants + 1
    pos = 10_000 + 700 * (number - np.searchsorted(chrom, chrom)) + rng.integers(0, 700, of.variants)
    frame = pl.DataFrame(
        {
            "chrom": chrom.astype(str),
            "pos": pos,
            "ref": [_PAIRS[at][0] for at in pair],
            "alt": [_PAIRS[at][1] for at in pair],
        }
    )
    return frame.with_columns(id=pl.format("{}:{}:{}:{}", "chrom", "pos", "ref", "alt"))


def weight_table(of: Genomes, scores: int, every: int, filled: int | None = None) -> pl.DataFrame:
    """Weights of `scores` scores on every `every`-th variant, those of a variant for one of its alleles by chance.

    `filled`: each score has that many variants, and null weights on the others.
    """
    rng = np.random.default_rng([scores, every])
    table = variant_table(of).gather_every(every)
    turned = rng.random(len(table)) < 0.5
    weights = np.round(rng.normal(0, 0.05, (len(table), scores)), 6)
    if filled is not None:
        keep = np.argsort(rng.random((scores, len(table))), axis=1)[:, :filled]
        has = np.zeros(weights.shape, np.bool_)
        has[keep.T, np.arange(scores)] = True
        weights = np.where(has, weights, np.nan)
    swap = pl.Series(turned)
    alleles = table.with_columns(
        effect_allele=pl.when(swap).then("ref").otherwise("alt"),
        other_allele=pl.when(swap).then("alt").otherwise("ref"),
    ).select("id", "chrom", "pos", "effect_allele", "other_allele")
    columns = {f"score{number:04d}": weights[:, number] for number in range(scores)}
    return pl.concat([alleles, pl.DataFrame(columns).fill_nan(None)], how="horizontal")


def _write_pgen(made: Genomes, rng: np.random.Generator) -> None:
    frequency = rng.permutation(np.linspace(0.005, 0.5, made.variants))
    writer = pgenlib.PgenWriter(str(made.file(".pgen")).encode(), made.samples, variant_ct=made.variants)
    for start in range(0, made.variants, _BLOCK):
        writer.append_biallelic_batch(_calls(rng, frequency[start : start + _BLOCK], made.samples))
    writer.close()


def _calls(rng: np.random.Generator, frequency: NDArray[np.float64], samples: int) -> NDArray[np.int8]:
    """(variants, samples) in Hardy-Weinberg proportions; -9 is missing."""
    draws = rng.random((len(frequency), samples), np.float32)
    share = frequency[:, None].astype(np.float32)
    calls = (draws < share * (2 - share)).astype(np.int8) + (draws < share * share)
    calls[rng.random(calls.shape, np.float32) < MISSING] = -9
    return calls
