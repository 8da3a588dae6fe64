"""Stage `fit`: one record a seed, each a training that goes on from its newest checkpoint."""

import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import torch
from numpy.typing import NDArray
from safetensors.torch import save

from cluster.storage import sha256_of
from schemas.crashpoints import crashpoint
from schemas.run import stage_directory
from schemas.status import Status
from workers.finished_runs.stage import stage_at
from workers.heartbeat import Heartbeat
from workers.labels.table import planned_labels
from workers.models.device import set_up
from workers.models.tensor_files import with_metadata
from workers.pipeline.context import StageContext
from workers.pipeline.desk import Stop
from workers.pipeline.frames import encode_frame
from workers.pipeline.kinds import ShardStage, ShardTable, SideObject
from workers.pipeline.models import device
from workers.pipeline.rowtable import build_rows
from workers.training.job.checkpoints import Checkpoint, Checkpoints, Superseded, checkpoint_folder
from workers.training.job.columns import FIT, PREPARE
from workers.training.job.heads import head_of
from workers.training.job.labelled import PLACE, Labelled, labelled
from workers.training.job.recipes import FitTask, Recipes, TrainingRecipe
from workers.training.job.settings import TrainKeys
from workers.training.job.shown import local_rows
from workers.training.job.start import start_of
from workers.training.job.together import processes
from workers.training.ranks import Ranks
from workers.training.recipe import CountsLabels, Example
from workers.training.trainer import Data, Fitted, Trainer


@dataclass(frozen=True)
class Part:
    """Some examples with their targets. Implements `workers.training.recipe.Examples`."""

    examples: Sequence[Example]
    rows: NDArray[np.int64]
    targets: NDArray[np.float64]

    def take(self, places: NDArray[np.int64]) -> Sequence[Example]:
        """Those examples."""
        return [self.examples[int(row)] for row in self.rows[places]]

    @property
    def label_counts(self) -> NDArray[np.int64]:
        """How many labels each has: those of its own, or those of its targets that are known."""
        if isinstance(self.examples, CountsLabels):
            return self.examples.label_counts[self.rows]
        return np.asarray((~np.isnan(self.targets)).sum(axis=1), np.int64)


@dataclass(frozen=True)
class Material:
    """All that a fit needs beside its seed."""

    recipe: TrainingRecipe
    train: Part
    tuning: Part
    found: Labelled
    task: FitTask


class Materials:
    """Joins labels and reads what was prepared to this node, once; for stages `fit` and `package`."""

    def __init__(self, context: StageContext, recipes: Recipes) -> None:
        self._context, self._recipes = context, recipes
        self._folder = tempfile.TemporaryDirectory(prefix="wardround-fit-")

    def read(self, source: TrainKeys, shown: Sequence[str]) -> Material:
        """Raises SpecError for what no network can take, RefusedError for labels that were changed."""
        state, prepared = self._context.run.parts["state"], stage_at(self._context.store, PREPARE)
        labels = None
        if source.labels is not None:
            labels = planned_labels(source.labels, self._context.storage, state["labels"])
        found = labelled(prepared, source, labels)
        places = np.concatenate([found.used(part)[PLACE].to_numpy() for part in ("train", "tuning")]).astype(np.int64)
        local = np.sort(places)
        rows = local_rows(prepared, local, shown, Path(self._folder.name) / "shown.arrow")
        examples = self._recipes.examples(rows)
        train, tuning = (self._part(found, part, local, examples) for part in ("train", "tuning"))
        task = FitTask(source, tuple(state["prepare"]), head_of(source), start_of(self._context, source))
        recipe = self._recipes.open(task, train.take(np.arange(len(train.rows))))
        return Material(recipe, train, tuning, found, task)

    @staticmethod
    def _part(found: Labelled, part: str, local: NDArray[Any], examples: Sequence[Example]) -> Part:
        rows = np.searchsorted(local, found.used(part)[PLACE].to_numpy()).astype(np.int64)
        return Part(examples, rows, found.targets(part))

    def close(self) -> None:
        """Take the files of this node away."""
        self._folder.cleanup()


class FitStage(ShardStage):
    """Fits one network a record, whose `member` is the seed."""

    def __init__(self, context: StageContext, recipes: Recipes, source: TrainKeys, shown: Sequence[str]) -> None:
        self._context, self._source, self._shown = context, source, shown
        self._materials = Materials(context, recipes)
        self._material: Material | None = None
        self._closing = threading.Event()
        self._heart = Heartbeat()
        self._said = ""
        set_up(max(1, int(context.cpus) // source.processes))

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """The row of one seed, once its training has come to its end."""
        (seed,) = records["member"].to_pylist()
        material = self._read()
        while True:
            fit = _Fit(self._context, self._source, material, seed, self)
            try:
                fitted, metric = fit.run()
            except Superseded:
                continue
            return self._row(records, seed, fitted, metric, fit)

    def follow(self, seed: int, resume: bytes | None, ranks: Ranks) -> None:
        """Fit along with another process, which keeps the states and says when it is over."""
        trainer = trainer_of(self._context, self._source, self._read(), seed, ranks)
        trainer.run(resume, lambda state: None, stop=lambda: ranks.agreed(False))

    def _read(self) -> Material:
        self._material = self._material or self._materials.read(self._source, self._shown)
        return self._material

    def step_done(self, said: str) -> None:
        """A step of the training is behind it."""
        self._said = said
        self._heart.beat()
        crashpoint("fit.step")

    @property
    def is_closing(self) -> bool:
        """Whether the worker ends."""
        return self._closing.is_set()

    def info(self) -> Mapping[str, Any]:
        """How far it is, in words."""
        return {"said": self._said} if self._said else {}

    def is_stalled(self) -> bool:
        """Whether a step takes longer than a shard may."""
        return bool(self._said) and self._heart.is_stalled(self._context.limits.shard_deadline)

    def close(self) -> None:
        """Stop after the step at hand, whose state is kept."""
        self._closing.set()
        self._materials.close()

    def _row(self, records: pa.Table, seed: int, fitted: Fitted, metric: str, fit: "_Fit") -> ShardTable:
        own = {"fingerprint": self._context.run.fingerprint}
        weights = with_metadata(save({name: one.contiguous() for name, one in fitted.weights.items()}), own)
        history = encode_frame(_history(fitted, metric), own["fingerprint"])
        side = [_by_content(f"seed-{seed}", "safetensors", weights), _by_content(f"history-{seed}", "parquet", history)]
        row = {
            "seed": seed,
            "metric": metric,
            "tuning": fitted.value,
            "best_epoch": None if fitted.epoch is None else fitted.epoch + 1,
            "epochs": len(fitted.history),
            "ended": "as planned" if fitted.is_done else "limits.fit_time",
        }
        values = {"weights": [side[0].key], "history": [side[1].key], "seeds": [[row]]}
        table = build_rows(records, self._context.layout, values, [Status.OK])
        return ShardTable(table, side=side, core_seconds=fit.core_seconds)


def _history(fitted: Fitted, metric: str) -> pl.DataFrame:
    """A row an epoch, from 1 on; none where it ended before its first."""
    figures = dict.fromkeys(("learning_rate", "train_loss", "tuning_loss", metric), pl.Float64())
    found = pl.DataFrame(fitted.history, schema={"epoch": pl.Int64(), **figures})
    return found.with_columns(pl.col("epoch") + 1)


def _by_content(name: str, suffix: str, body: bytes) -> SideObject:
    """Two drivers may come to other bits, on other machines: each has a name of its own, and the row names one."""
    return SideObject(f"{stage_directory(FIT)}fitted/{name}-{sha256_of(body)[:16]}.{suffix}", body)


def trainer_of(context: StageContext, source: TrainKeys, material: Material, seed: int, ranks: Ranks) -> Trainer:
    """Ready to run on this worker's device; of several GPUs each process has one."""
    data = Data(material.train, material.tuning, source.output_task, len(material.task.head.labels))
    where = device(context.gpus)
    if where == "cuda" and ranks.size > 1:
        where = f"cuda:{ranks.rank % torch.cuda.device_count()}"
    return Trainer(material.recipe, data, source.fit, seed, ranks, where)


class _Fit:
    """One training, from where its newest checkpoint is."""

    def __init__(
        self, context: StageContext, source: TrainKeys, material: Material, seed: int, stage: FitStage
    ) -> None:
        self._context, self._source, self._material, self._seed, self._stage = context, source, material, seed, stage
        self._limits = context.limits
        self._checkpoints = Checkpoints(context.store, checkpoint_folder(seed), context.run.fingerprint)
        self._trainer: Trainer | None = None
        self._began = self._kept = time.monotonic()
        self._seconds_before = 0.0
        self._computed = time.process_time()

    def run(self) -> tuple[Fitted, str]:
        """What it came to, and the metric of its value. Raises Superseded, or Stop where the worker is closed."""
        newest: Checkpoint | None = self._checkpoints.newest()
        if newest is not None:
            self._seconds_before = newest.seconds
        state = None if newest is None else newest.state
        with processes(self._context, self._source.processes, self._seed, state) as ranks:
            trainer = self._trainer = trainer_of(self._context, self._source, self._material, self._seed, ranks)
            fitted = trainer.run(state, self._keep, self._turn, lambda: ranks.agreed(self._is_over()), self._is_time)
        if self._stage.is_closing:
            raise Stop
        return fitted, trainer.metric

    @property
    def core_seconds(self) -> float:
        """Processor time since it began here."""
        return time.process_time() - self._computed

    @property
    def _seconds(self) -> float:
        return self._seconds_before + time.monotonic() - self._began

    def _is_over(self) -> bool:
        limit = self._limits.fit_time
        has_best = self._trainer is not None and self._trainer.has_best
        is_late = limit is not None and has_best and self._seconds >= limit
        return self._stage.is_closing or is_late

    def _is_time(self) -> bool:
        return time.monotonic() - self._kept >= self._limits.checkpoint_every

    def _keep(self, state: bytes) -> None:
        # An epoch may be short: its state is kept when it is time, or when there is no next step.
        if self._is_time() or self._is_over():
            self._checkpoints.put(state, self._seconds)
            self._kept = time.monotonic()

    def _turn(self) -> None:
        assert self._trainer is not None
        self._stage.step_done(self._trainer.said(self._seed))
