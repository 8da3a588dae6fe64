"""Stage `fit`: one record a fit, each a training that goes on from its newest checkpoint."""

import math
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import pyarrow as pa
from safetensors.torch import save

from cluster.storage import sha256_of
from schemas.crashpoints import crashpoint
from schemas.run import stage_directory
from schemas.status import Status
from workers.heartbeat import Heartbeat
from workers.models.device import set_up
from workers.models.tensor_files import with_metadata
from workers.pipeline.context import StageContext
from workers.pipeline.desk import Stop
from workers.pipeline.frames import encode_frame
from workers.pipeline.kinds import ShardStage, ShardTable, SideObject
from workers.pipeline.rowtable import build_rows
from workers.training.job.checkpoints import Superseded
from workers.training.job.columns import FIT
from workers.training.job.fits import Fit, fits_of
from workers.training.job.fitting import Fitting, left
from workers.training.job.materials import Materials
from workers.training.job.recipes import Recipes
from workers.training.job.settings import TrainKeys
from workers.training.job.together import in_group, together
from workers.training.ranks import Alone, Ranks
from workers.training.trainer import Fitted


class FitStage(ShardStage):
    """Fits one network a record, which is named for its fit."""

    def __init__(self, context: StageContext, recipes: Recipes, source: TrainKeys, shown: Sequence[str]) -> None:
        self._context, self._source = context, source
        self._fits = {fit.name: fit for fit in fits_of(source)}
        self.materials = Materials(context, recipes, source, shown)
        self._closing = threading.Event()
        self._heart = Heartbeat()
        self._said, self._steps = "", False
        set_up(max(1, int(context.cpus) // source.processes))

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """The row of one fit, once its training has come to its end."""
        (name,) = records["record_id"].to_pylist()
        began = time.process_time()
        while True:
            try:
                fitted = self._fitted(name)
            except Superseded:
                continue
            if self.is_closing:
                raise Stop
            return self._row(records, self._fits[name], fitted, time.process_time() - began)

    def _fitted(self, name: str) -> Fitted:
        size = self._source.processes
        if size == 1:
            return self.along(name, Alone())
        self._said = f"{name}: fitted by {size} processes"
        if in_group(self._context, size, name):
            return left(self._context, self._fits[name], self.materials)
        with together(self._context, size, name) as ranks:
            return self.along(name, ranks)

    def along(self, name: str, ranks: Ranks, leaves: bool = False) -> Fitted:
        """Fit in this process as one of several, or alone. The first keeps the states, and says when it is over; with
        `leaves` it keeps the last one too, for another process."""
        return Fitting(self._context, self, self._fits[name], ranks, leaves).run()

    def step_done(self, said: str) -> None:
        """A step of the training is behind it."""
        self._said, self._steps = said, True
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
        return self._steps and self._heart.is_stalled(self._context.limits.shard_deadline)

    def close(self) -> None:
        """Stop after the step at hand, whose state is kept."""
        self._closing.set()
        self.materials.close()

    def _row(self, records: pa.Table, fit: Fit, fitted: Fitted, core_seconds: float) -> ShardTable:
        own = {"fingerprint": self._context.run.fingerprint}
        weights = with_metadata(save({name: one.contiguous() for name, one in fitted.weights.items()}), own)
        history = encode_frame(_history(fitted), own["fingerprint"])
        side = [_by_content(fit.name, "safetensors", weights), _by_content(f"history-{fit.name}", "parquet", history)]
        row = {
            "seed": fit.seed,
            "fold": fit.fold,
            "point": fit.point,
            "metric": fitted.metric,
            "tuning": None if fitted.value is None or math.isnan(fitted.value) else fitted.value,
            "best_epoch": None if fitted.epoch is None else fitted.epoch + 1,
            "epochs": len(fitted.history),
            "ended": "as planned" if fitted.is_done else "limits.fit_time",
        }
        values = {"weights": [side[0].key], "history": [side[1].key], "seeds": [[row]]}
        table = build_rows(records, self._context.layout, values, [Status.OK])
        return ShardTable(table, side=side, core_seconds=core_seconds)


def _history(fitted: Fitted) -> pl.DataFrame:
    """A row an epoch, from 1 on; none where it ended before its first."""
    figures = dict.fromkeys(("learning_rate", "train_loss", "tuning_loss", fitted.metric), pl.Float64())
    found = pl.DataFrame(fitted.history, schema={"epoch": pl.Int64(), **figures})
    return found.with_columns(pl.col("epoch") + 1)


def _by_content(name: str, suffix: str, body: bytes) -> SideObject:
    """Two drivers may come to other bits, on other machines: each has a name of its own, and the row names one."""
    return SideObject(f"{stage_directory(FIT)}fitted/{name}-{sha256_of(body)[:16]}.{suffix}", body)
