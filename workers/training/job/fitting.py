"""One training in one process, from where its newest checkpoint is."""

import time
from typing import Protocol

from schemas.errors import InfrastructureError
from workers.pipeline.context import StageContext
from workers.pipeline.models import device
from workers.training.job.checkpoints import Checkpoint, Checkpoints, checkpoint_folder
from workers.training.job.fits import Fit
from workers.training.job.materials import Materials
from workers.training.ranks import Ranks
from workers.training.state import State
from workers.training.trainer import Data, Fitted, Trainer, fitted_of


class Watching(Protocol):
    """Whoever a training is run for."""

    materials: Materials

    @property
    def is_closing(self) -> bool:
        """Whether it has to end after the step at hand."""

    def step_done(self, said: str) -> None:
        """A step is behind it."""


class Fitting:
    """A fit as one of `ranks`. The first of them keeps its states and says when it is over; all go on from the state
    that it names."""

    def __init__(self, context: StageContext, stage: Watching, fit: Fit, ranks: Ranks, leaves: bool) -> None:
        self._context, self._stage, self._fit, self._ranks, self._leaves = context, stage, fit, ranks, leaves
        self._limits = context.limits
        self._checkpoints = checkpoints_of(context, fit)
        self._unkept: bytes | None = None
        self._began = self._kept = time.monotonic()
        self._newest = self._agreed()
        material, part = stage.materials.at(fit.point), stage.materials.part
        outputs = len(material.task.head.labels)
        data = Data(part("train", fit.fold), part("tuning", fit.fold), material.source.output_task, outputs)
        self._trainer = Trainer(material.recipe, data, material.source.fit, fit.seed, ranks, self._device())

    def run(self) -> Fitted:
        """What it came to. Raises Superseded."""
        state = None if self._newest is None else self._newest.state
        first = self._ranks.rank == 0
        fitted = self._trainer.run(
            state,
            self._keep if first else lambda state: None,
            lambda: self._stage.step_done(self._trainer.said(self._fit.name)),
            lambda: self._ranks.agreed(first and self._is_over()),
            self._is_time if first else lambda: False,
        )
        if self._leaves and self._unkept is not None:
            self._put(self._unkept)
        return fitted

    def _agreed(self) -> Checkpoint | None:
        """The state that all go on from. Raises InfrastructureError where it is gone from under one of them."""
        newest = self._checkpoints.newest() if self._ranks.rank == 0 else None
        number = self._ranks.told(0 if newest is None else newest.number)
        if newest is None and number:
            newest = self._checkpoints.numbered(number)
            if newest is None:
                raise InfrastructureError("a state of the training was replaced before all of its processes had it")
        return newest

    def _device(self) -> str:
        where = device(self._context.gpus)
        return f"cuda:{self._ranks.gpu}" if where == "cuda" and self._ranks.size > 1 else where

    @property
    def _seconds(self) -> float:
        return (0.0 if self._newest is None else self._newest.seconds) + time.monotonic() - self._began

    def _is_over(self) -> bool:
        limit = self._limits.fit_time
        is_late = limit is not None and self._trainer.has_best and self._seconds >= limit
        return self._stage.is_closing or is_late

    def _is_time(self) -> bool:
        return time.monotonic() - self._kept >= self._limits.checkpoint_every

    def _keep(self, state: bytes) -> None:
        # An epoch may be short: its state is kept when it is time, or when there is no next step.
        self._unkept = state
        if self._is_time() or self._is_over():
            self._put(state)

    def _put(self, state: bytes) -> None:
        self._checkpoints.put(state, self._seconds)
        self._kept, self._unkept = time.monotonic(), None


def left(context: StageContext, fit: Fit, materials: Materials) -> Fitted:
    """What a fit came to whose processes have kept its last state. Raises InfrastructureError where they have not."""
    newest, source = checkpoints_of(context, fit).newest(), materials.at(fit.point).source
    if newest is None:
        raise InfrastructureError("the processes that fitted a network have left no state of it")
    return fitted_of(State.decode(newest.state), source.fit, source.output_task)


def checkpoints_of(context: StageContext, fit: Fit) -> Checkpoints:
    """The states of a fit of this run."""
    return Checkpoints(context.store, checkpoint_folder(fit.name), context.run.fingerprint)
