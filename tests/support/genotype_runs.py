"""Scoring files over a small cohort of PLINK files, and specs that score it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from tests.support.plink2 import run_plink2
from tests.support.plink_files import Cohort

_CATALOG = (
    "#pgs_id={name}\n#genome_build={build}\nrsID\tchr_name\tchr_position\teffect_allele\tother_allele\teffect_weight"
)


def weights_of(data: Cohort, seed: int = 5, share: float = 0.9) -> pl.DataFrame:
    """Some of the variants with a weight of either allele. The cohort's variants are `v<row>`, A/G."""
    random = np.random.default_rng(seed)
    rows = np.sort(random.choice(len(data.chrom), int(share * len(data.chrom)), replace=False))
    effect = random.choice(["A", "G"], len(rows))
    return pl.DataFrame(
        {
            "id": [f"v{row}" for row in rows],
            "chrom": [data.chrom[row] for row in rows],
            "pos": 5_000_000 + rows,
            "effect": effect,
            "other": np.where(effect == "A", "G", "A"),
            "weight": random.normal(size=len(rows)).round(6),
        }
    )


def write_score(
    path: Path, weights: pl.DataFrame, build: str = "GRCh38", kind: str | None = None, name: str | None = None
) -> Path:
    """A scoring file of the PGS Catalog; `kind` is dominant or recessive, for all rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = weights.select("id", "chrom", "pos", "effect", "other", "weight")
    header = _CATALOG.format(name=name or path.name.partition(".")[0], build=build)
    if kind is not None:
        header += f"\tis_{kind}"
        columns = columns.with_columns(pl.lit("True").alias("kind"))
    path.write_text(header + "\n" + columns.write_csv(separator="\t", include_header=False))
    return path


def plink2_scores(folder: Path, given: list[str | Path], weights: pl.DataFrame, *more: str) -> pl.DataFrame:
    """What plink2 --score says, men with one allele on X; `more` are modifiers of --score."""
    table = folder / "weights.txt"
    table.write_text(weights.select("id", "effect", "weight").write_csv(separator="\t", include_header=False))
    columns = "cols=+scoresums,+denom,+fid"
    ploidy = [] if "--xchr-model" in given else ["--xchr-model", "1"]
    run_plink2(folder, [*given, *ploidy, "--score", table, *more, columns, "--out", folder / "oracle"])
    return pl.read_csv(folder / "oracle.sscore", separator="\t")


def spec(root: Path, source: str, *, models: str = "pgs: {uri: ROOT/scores}", out: str = "out", more: str = "") -> str:
    """A spec over `source`, the rest of `input:`. `ROOT` in any text is the folder."""
    text = (
        f"job: predict\nname: cohort\ninput: {{collection: genotypes, build: GRCh38, {source}}}\n"
        f"models:\n  {models}\noutput: {{uri: ROOT/{out}}}\n{more}\n"
    )
    if "compute:" not in more:
        text += "compute: {pool: serial}\n"
    return text.replace("ROOT", str(root))
