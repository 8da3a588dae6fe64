"""Third act: a simulated cohort whose risk is known. Its VCF becomes a genotype table, four scoring files with planted
faults are matched and scored, and what comes out is held against what was planted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from jobs.demo.cohort import Cohort, simulate_cohort, write_vcf
from jobs.demo.planted import RISK, Planted, plant
from jobs.demo.stage_set import StageSet, put_folder
from schemas.errors import WardroundError
from schemas.spec import Spec

SEED = 42
_MISSING = 0.005
_HERITABILITY = 0.5
_PREVALENCE = 0.1
_TRUTH, _PEOPLE = "planted.parquet", "people.parquet"
_KEYS = ("score", "row_nr")
_LOGGED = ("outcome", "match_type", "reason")


@dataclass(frozen=True)
class Size:
    """`scale` 1 plants about 950 rows in the score with every case."""

    samples: int = 2_000
    variants: int = 20_000
    scale: float = 1.0


FULL = Size()


@dataclass(frozen=True)
class Found:
    """What the runs say of what was planted. `cases`: rows of scoring files, and of these how many the match log names
    rightly, by case."""

    cases: Mapping[str, tuple[int, int]]
    with_risk: float
    with_countable: float
    ill_in_top: float
    ill: float
    low_overlap: tuple[str, ...]


def simulate(stage: StageSet, announce: Callable[[str], None], size: Size = FULL) -> Spec:
    """Simulate the cohort, put its VCF and the scoring files into the bucket; the spec that converts the VCF."""
    cohort = simulate_cohort(size.samples, size.variants, SEED, _MISSING)
    records = write_vcf(cohort, stage.folder / "cohort")
    put_folder(stage.folder / "cohort", stage.store("cohort"))
    planted = plant(cohort, stage.folder / "scores", size.scale, SEED)
    put_folder(stage.folder / "scores", stage.store("models/scores"))
    planted.truth.write_parquet(stage.folder / _TRUTH)
    _people(cohort, planted).write_parquet(stage.folder / _PEOPLE)
    announce(f"{size.samples:,} simulated people with {records:,} variants on two chromosomes are in the bucket as VCF")
    return stage.spec("demo-genotypes.yaml")


def prepare_scores(stage: StageSet, announce: Callable[[str], None]) -> Spec:
    """The spec that scores the genotype table."""
    rows = pl.read_parquet(stage.folder / _TRUTH).height
    announce(f"{rows:,} rows of four scoring files lie beside it, with faults of which the answer is known")
    return stage.spec("demo-scores.yaml")


def compare(stage: StageSet, results: Path) -> Found:
    """Hold scores and match logs against what was planted. Raises WardroundError where a row is named wrongly."""
    rows = pl.read_parquet(results / "scores/predictions/*.parquet")
    people = rows.join(pl.read_parquet(stage.folder / _PEOPLE), on="subject_id", how="inner", validate="1:1")
    if people.height != rows.height:
        raise WardroundError("the rows of the run are not the people who were simulated")
    top = people.sort(RISK, descending=True).head(people.height // 10)
    low = people["low_overlap"].explode().unique().drop_nulls().sort()
    return Found(
        cases=_named_rightly(pl.read_parquet(stage.folder / _TRUTH), results),
        with_risk=_correlation(people, "risk"),
        with_countable=_correlation(people, "countable"),
        ill_in_top=float(top["ill"].mean() or 0.0),  # type: ignore[arg-type]  # of a column of booleans it is a number
        ill=float(people["ill"].mean() or 0.0),  # type: ignore[arg-type]  # as above
        low_overlap=tuple(low.to_list()),
    )


def look_lines(stage: StageSet, results: Path) -> list[str]:
    """Lines of Python that show the results."""
    return [
        "import polars as pl",
        f'rows = pl.read_parquet("{results / "scores/predictions/*.parquet"}")',
        f'people = pl.read_parquet("{stage.folder / _PEOPLE}")',
        f'print(rows.join(people, on="subject_id").select("record_id", "{RISK}", "risk", "ill", "call_rate"))',
        f'log = pl.read_parquet("{results / "scores/matches/scores/*.parquet"}")',
        'print(log.group_by("score", "outcome", "match_type", "reason").len().sort("score", "len"))',
        f'variants = pl.read_parquet("{results / "genotypes/table/variants.parquet"}")',
        'print(variants.select("chrom", "pos", "ref", "alt", "alt_freq", "call_rate", "hwe_p"))',
    ]


def _people(cohort: Cohort, planted: Planted) -> pl.DataFrame:
    """Who is ill: those with the highest liability, half of which is the planted risk."""
    risk = (planted.risk - planted.risk.mean()) / planted.risk.std()
    chance = np.random.default_rng(SEED).normal(size=len(risk))
    liability = _HERITABILITY**0.5 * risk + (1 - _HERITABILITY) ** 0.5 * chance
    return pl.DataFrame(
        {
            "subject_id": cohort.samples,
            "risk": planted.risk,
            "countable": planted.countable,
            "ill": liability > np.quantile(liability, 1 - _PREVALENCE),
        }
    )


def _named_rightly(truth: pl.DataFrame, results: Path) -> dict[str, tuple[int, int]]:
    logs = pl.read_parquet(results / "scores/matches/scores/*.parquet")
    if logs.height != truth.height:
        raise WardroundError(f"the match logs have {logs.height} rows, the scoring files {truth.height}")
    logged = logs.select(*_KEYS, *(pl.col(name).alias(f"log_{name}") for name in _LOGGED))
    joined = truth.join(logged, on=_KEYS, how="left", validate="1:1")
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"log_{name}")) for name in _LOGGED)
    cases = joined.group_by("case").agg(pl.len().alias("rows"), same.sum().alias("rightly")).sort("rows", "case")
    found = {case: (rows, rightly) for case, rows, rightly in cases.reverse().iter_rows()}
    wrong = [case for case, (rows, rightly) in found.items() if rows != rightly]
    if wrong:
        raise WardroundError(f"the match log names what was planted wrongly: {', '.join(wrong)}")
    return found


def _correlation(people: pl.DataFrame, with_what: str) -> float:
    return float(people.select(pl.corr(RISK, with_what)).item())
