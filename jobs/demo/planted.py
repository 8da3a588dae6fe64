"""Scoring files of which it is known beforehand what matching has to say of every row."""

import gzip
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from jobs.demo.cohort import Cohort, Site

RISK, HARMONISED, OTHER_BUILD, OTHER_PANEL = "PGS900001", "PGS900002", "PGS900003", "PGS900004"
"""A score with every planted case; one as the PGS Catalog harmonises it, all of it found; one of another genome build;
one for a panel of variants that the cohort lacks for the most part."""

_STRAND = {"A": "T", "C": "G", "G": "C", "T": "A"}
_MATCHED, _EXCLUDED, _UNMATCHED = "matched", "excluded", "unmatched"
_LEAST_SHARE = 0.01
_OTHER_BUILD_SHIFT = 61_000


@dataclass(frozen=True)
class Row:
    """A row as it is written, and what must become of it. `counts` is the allele of the site that it means, None where
    it says nothing of the risk."""

    case: str
    site: Site
    pos: int
    effect: str
    other: str
    weight: float | None
    outcome: str
    match_type: str | None
    reason: str | None
    counts: str | None


@dataclass(frozen=True)
class Planted:
    """`truth`: score, row_nr, case, outcome, match_type, reason of every row of every file. `risk` and `countable`: one
    value a sample, what the alleles of `RISK` add up to, all that are in the cohort, and those that matching keeps."""

    truth: pl.DataFrame
    risk: NDArray[np.float64]
    countable: NDArray[np.float64]


@dataclass(frozen=True)
class _Case:
    """Some sites, what is written of each, and what comes out. `sites` names the pool that they are drawn from."""

    name: str
    count: int
    sites: str
    write: Callable[[Site], tuple[str, str]]
    counts: Callable[[Site], str | None]
    outcome: str
    match_type: str | None
    reason: str | None = None


def _ref(site: Site) -> str:
    return site.alleles[0]


def _alt(site: Site) -> str:
    return site.alleles[1]


def _last(site: Site) -> str:
    return site.alleles[-1]


def _nothing(site: Site) -> None:
    return None


_CLEAN = _Case("as it stands", 420, "plain", lambda s: (_alt(s), _ref(s)), _alt, _MATCHED, "altref")
_ABSENT = _Case(
    "not in the genotypes", 40, "gaps", lambda s: (_alt(s), _ref(s)), _nothing, _UNMATCHED, None, "no_variant"
)
_CASES = (
    _CLEAN,
    _ABSENT,
    _Case("alleles swapped", 120, "plain", lambda s: (_ref(s), _alt(s)), _ref, _MATCHED, "refalt"),
    _Case("other strand", 80, "plain", lambda s: (_STRAND[_alt(s)], _STRAND[_ref(s)]), _alt, _MATCHED, "altref_flip"),
    _Case(
        "other strand, swapped", 60, "plain", lambda s: (_STRAND[_ref(s)], _STRAND[_alt(s)]), _ref, _MATCHED,
        "refalt_flip",
    ),
    _Case("no other allele", 40, "plain", lambda s: (_alt(s), ""), _alt, _MATCHED, "alt_no_oa"),
    _Case("no other allele, swapped", 30, "plain", lambda s: (_ref(s), ""), _ref, _MATCHED, "ref_no_oa"),
    _Case("last ALT of several", 3, "several", lambda s: (_last(s), _ref(s)), _last, _MATCHED, "altref"),
    _Case("REF of several ALTs", 8, "several", lambda s: (_ref(s), _alt(s)), _ref, _MATCHED, "refalt"),
    _Case("ambiguous", 60, "ambiguous", lambda s: (_alt(s), _ref(s)), _alt, _EXCLUDED, "altref", "ambiguous"),
    _Case(
        "twice in the genotypes", 20, "twice", lambda s: (_alt(s), _ref(s)), _alt, _EXCLUDED, "altref",
        "duplicate_target",
    ),
    _Case("an insertion there", 20, "plain", lambda s: ("GATTACA", "G"), _nothing, _UNMATCHED, None, "other_alleles"),
)  # fmt: skip


def plant(cohort: Cohort, folder: Path, scale: float, seed: int) -> Planted:
    """Write the scoring files. `scale` 1 gives about 950 rows to the score with every case."""
    pools = _Pools(cohort, scale, seed)
    rows = [row for case in _CASES for row in pools.rows(case)] + list(pools.doubles())
    clean = list(pools.rows(_CLEAN))
    foreign = clean[: len(clean) // 8] + [row for _ in range(6) for row in pools.rows(_ABSENT)]
    refused = [_refused(row) for row in clean]
    written = {RISK: rows, HARMONISED: clean, OTHER_BUILD: refused, OTHER_PANEL: foreign}
    folder.mkdir(parents=True, exist_ok=True)
    for name, some in written.items():
        some.sort(key=lambda row: (int(row.site.chrom), row.pos))
        harmonised = name == HARMONISED
        file = f"{name}_hmPOS_GRCh38.txt.gz" if harmonised else f"{name}.txt.gz"
        lines = _harmonised(some) if harmonised else _reported(some, "GRCh37" if name == OTHER_BUILD else "GRCh38")
        _write(folder / file, name, lines)
    truth = pl.concat([_truth(name, some) for name, some in written.items()])
    kept = [row for row in rows if row.outcome == _MATCHED]
    return Planted(truth, _sum(cohort, rows), _sum(cohort, kept))


class _Pools:
    """Sites by what can be planted on them; each is used once a file. Common alleles alone: rare ones tell nothing."""

    def __init__(self, cohort: Cohort, scale: float, seed: int) -> None:
        self._cohort = cohort
        self._scale = scale
        self._rng = np.random.default_rng(seed)
        taken = {(site.chrom, site.pos) for site in cohort.sites}
        gaps = [Site(s.chrom, s.pos + 1, s.alleles, s.row) for s in cohort.sites if len(s.alleles) == 2]
        common = [site for site in cohort.sites if self._is_common(site)]
        two = [site for site in common if len(site.alleles) == 2]
        alone = [site for site in two if not site.twice]
        palindromic = [_STRAND[_ref(site)] == _alt(site) for site in alone]
        self._pools = {
            "plain": [site for site, is_it in zip(alone, palindromic, strict=True) if not is_it],
            "ambiguous": [site for site, is_it in zip(alone, palindromic, strict=True) if is_it],
            "twice": [site for site in two if site.twice and _STRAND[_ref(site)] != _alt(site)],
            "several": [site for site in common if _is_clear(site)],
            "gaps": [site for site in gaps if (site.chrom, site.pos) not in taken],
        }
        for pool in self._pools.values():
            self._rng.shuffle(pool)

    def rows(self, case: _Case) -> Iterator[Row]:
        """As many as the case asks for, or as there are sites for it."""
        for site in self._take(case.sites, case.count):
            weight = self._weight(site)
            effect, other = case.write(site)
            yield Row(
                case.name, site, site.pos, effect, other, weight, case.outcome, case.match_type, case.reason,
                case.counts(site),
            )  # fmt: skip

    def doubles(self) -> Iterator[Row]:
        """Sites with two rows: the same twice, and two that do not agree; and rows without a weight."""
        for site in self._take("plain", 20):
            weight = self._weight(site)
            yield _row("the same row twice, first", site, weight, _MATCHED, None, _alt(site))
            yield _row("the same row twice, second", site, weight, _EXCLUDED, "duplicate_row", None)
        for site in self._take("plain", 10):
            for share in (1.0, 0.5):
                weight = self._weight(site) * share
                yield _row("two rows that disagree", site, weight, _EXCLUDED, "duplicate_weights", None)
        for site in self._take("plain", 10):
            yield _row("no weight", site, None, _EXCLUDED, "no_weight", None)

    def _take(self, pool: str, count: int) -> Iterable[Site]:
        sites = self._pools[pool]
        number = min(len(sites), max(1, round(count * self._scale)))
        self._pools[pool] = sites[number:]
        return sites[:number]

    def _is_common(self, site: Site) -> bool:
        """Not the rarest of the alleles of a pair, and of several none too rare to be seen."""
        least = _LEAST_SHARE if len(site.alleles) == 2 else 0.0
        share = self._cohort.share(site, _alt(site))
        return least < share < 1 - least

    def _weight(self, site: Site) -> float:
        """An effect that is greater for rarer alleles, as natural selection leaves them."""
        share = min(max(self._cohort.share(site, _alt(site)), _LEAST_SHARE), 1 - _LEAST_SHARE)
        deviation = float(np.sqrt(2 * share * (1 - share)))
        return round(float(self._rng.normal()) / deviation / 100, 6)


def _is_clear(site: Site) -> bool:
    """Whether there are several ALTs, and neither the first nor the last is the complement of REF."""
    return len(site.alleles) > 2 and _STRAND[_ref(site)] not in (_alt(site), _last(site))


def _row(case: str, site: Site, weight: float | None, outcome: str, reason: str | None, counts: str | None) -> Row:
    match_type = None if weight is None else "altref"
    return Row(case, site, site.pos, _alt(site), _ref(site), weight, outcome, match_type, reason, counts)


def _refused(row: Row) -> Row:
    """The row in a file of another build."""
    pos = row.pos + _OTHER_BUILD_SHIFT
    return Row(
        "of another build", row.site, pos, row.effect, row.other, row.weight, _UNMATCHED, None, "wrong_build", None
    )


def _sum(cohort: Cohort, rows: Sequence[Row]) -> NDArray[np.float64]:
    total = np.zeros(len(cohort.samples))
    for row in rows:
        if row.counts is not None and row.weight is not None:
            total += row.weight * cohort.copies(row.site, row.counts)
    return total


def _truth(name: str, rows: Sequence[Row]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "score": [name] * len(rows),
            "row_nr": range(len(rows)),
            "case": [row.case for row in rows],
            "outcome": [row.outcome for row in rows],
            "match_type": [row.match_type for row in rows],
            "reason": [row.reason for row in rows],
        },
        schema_overrides={"match_type": pl.String, "reason": pl.String},
    )


def _reported(rows: Sequence[Row], build: str) -> Iterator[str]:
    yield f"#genome_build={build}"
    yield f"#variants_number={len(rows)}"
    yield "chr_name\tchr_position\teffect_allele\tother_allele\teffect_weight"
    for row in rows:
        weight = "" if row.weight is None else f"{row.weight}"
        yield f"{row.site.chrom}\t{row.pos}\t{row.effect}\t{row.other}\t{weight}"


def _harmonised(rows: Sequence[Row]) -> Iterator[str]:
    """Reported positions of the older build, and those that the Catalog found for the newer; a tab too many a line."""
    yield "#genome_build=GRCh37"
    yield f"#variants_number={len(rows)}"
    yield "##HARMONIZATION DETAILS"
    yield "#HmPOS_build=GRCh38"
    yield "chr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\thm_source\thm_chr\thm_pos\t"
    for row in rows:
        old = row.pos + _OTHER_BUILD_SHIFT
        fields = (row.site.chrom, old, row.effect, row.other, row.weight, "liftover", row.site.chrom, row.pos, "")
        yield "\t".join(map(str, fields))


def _write(path: Path, name: str, lines: Iterable[str]) -> None:
    head = ("###PGS CATALOG SCORING FILE", "#format_version=2.0", "##POLYGENIC SCORE (PGS) INFORMATION")
    said = (f"#pgs_id={name}", "#pgs_name=planted", "#trait_reported=simulated", "#weight_type=beta")
    with gzip.open(path, "wt", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{line}\n" for line in (*head, *said, *lines))
