"""A finished run over a small cohort with adjusted scores, whose stages can be opened and worked on again."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from cluster.storage import StorageSettings, open_store
from schemas.run import stage_directory
from schemas.spec import Compute, Limits
from tests.support import runs
from tests.support.genotype_runs import spec, weights_of, write_score
from tests.support.plink_files import Cohort, cohort, write_bed
from workers.collection import PREDICT
from workers.finished_runs.stage import FinishedStage, stage_at
from workers.genomics.genotypes.settings import GenotypesInput
from workers.genomics.genotypes.source import Genotypes
from workers.pipeline.context import StageContext

SAMPLES, VARIANTS = 61, 96


def stage_context(run: Path, directory: str) -> StageContext:
    """What a worker of a stage knows. `directory` is that of the stage in the run, empty for the last one."""
    job = {
        "run_uri": str(run),
        "stage_dir": directory,
        "compute": Compute().model_dump(mode="json"),
        "limits": Limits().model_dump(mode="json"),
        "storage": StorageSettings().model_dump(mode="json"),
        "single_committer": True,
    }
    return StageContext(job, cpus=1, gpus=0)


@dataclass(frozen=True)
class ScoredRun:
    """`root` holds the cohort as .bed, `scores/`, `pcs.tsv` and the run `out/`.

    Of the scores `A1` and `A2` count the same alleles with other weights, `B` other variants; `LOW` is hardly found;
    `CUT` is a file that ends early.
    """

    root: Path
    data: Cohort
    weights: dict[str, pl.DataFrame]

    def context(self, stage: str) -> StageContext:
        """What a worker of the stage knows."""
        return stage_context(self.root / "out", "" if stage == PREDICT else stage_directory(stage))

    def genotypes(self, **settings: str) -> Genotypes:
        """The input, opened anew."""
        given = {"collection": "genotypes", "build": "GRCh38", "format": "bed", "uri": str(self.root / "cohort.bed")}
        return Genotypes(GenotypesInput.model_validate({**given, **settings}), StorageSettings())

    def finished(self, stage: str) -> FinishedStage:
        """What the stage left."""
        return stage_at(open_store(str(self.root / "out")), stage)


def scored_run(root: Path) -> ScoredRun:
    """Make it."""
    data = cohort(SAMPLES, VARIANTS)
    write_bed(root, data)
    first = weights_of(data, seed=5, share=0.6)
    random = np.random.default_rng(9)
    weights = {
        "A1": first,
        "A2": first.with_columns(weight=pl.Series(random.normal(size=first.height).round(6))),
        "B": weights_of(data, seed=6, share=0.4),
        "LOW": weights_of(data, seed=7).with_columns(
            pos=pl.col("pos") + pl.when(pl.col("pos") % 8 > 0).then(5000).otherwise(0)
        ),
    }
    for name, table in weights.items():
        write_score(root / f"scores/{name}.txt", table)
    whole = write_score(root / "CUT.txt", first).read_bytes()
    (root / "scores/CUT.txt.gz").write_bytes(gzip.compress(whole)[:-20])
    pcs = pl.DataFrame({"IID": [f"s{at}" for at in range(SAMPLES)], "PC1": random.normal(size=SAMPLES)})
    # One sample is not in the table, and it has an order of its own.
    pcs[1:].reverse().write_csv(root / "pcs.tsv", separator="\t")
    prepare = "prepare: [{adjust: {z: true, components: ROOT/pcs.tsv}}, {columns: {average: true}}]"
    runs.run(spec(root, "format: bed, uri: ROOT/cohort.bed", more=prepare.replace("ROOT", str(root))))
    return ScoredRun(root, data, weights)
