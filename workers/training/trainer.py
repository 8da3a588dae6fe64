"""The loop: epochs of steps, an epoch's figures on tuning rows, the best weights, and a state to go on from.

Chance is a function of seed, epoch, step and rank (`workers.training.sampler`), and the rest of a training is in its
state: one that goes on from any of its states ends, on one processor with as many threads, with the same bits as one
that was never disturbed.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from schemas.errors import SpecError
from workers.training.average import Average, weights_of
from workers.training.balance import class_weights, example_weights
from workers.training.losses import loss_of
from workers.training.metric import is_better, mean_figure, metric_of, value_of
from workers.training.optimiser import optimiser_of
from workers.training.ranks import Alone, Ranks
from workers.training.recipe import Examples, OwnMeasure, Recipe, label_counts
from workers.training.sampler import Sampler, generator_of
from workers.training.schedule import rate_at
from workers.training.settings import FitSettings, Task
from workers.training.state import Progress, State, fill_optimiser, optimiser_tensors

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Fitted:
    """What a training came to. `weights` are the best so far by the metric, or the last; `value` is that of `metric`.

    `is_done`: there is nothing left to do.
    """

    weights: Mapping[str, Tensor]
    history: list[dict[str, Any]]
    epoch: int | None
    value: float | None
    is_done: bool
    metric: str


@dataclass(frozen=True)
class Data:
    """What is learned from, and what an epoch is chosen by. `outputs`: logits of the network."""

    train: Examples
    tuning: Examples
    task: Task
    outputs: int


class Trainer:
    """One network, one seed."""

    def __init__(
        self,
        recipe: Recipe,
        data: Data,
        settings: FitSettings,
        seed: int,
        ranks: Ranks | None = None,
        device: str = "cpu",
    ) -> None:
        self._recipe, self._data, self._settings, self._seed = recipe, data, settings, seed
        self._ranks: Ranks = ranks or Alone()
        self._device = device
        torch.manual_seed(seed)
        self.network = recipe.network().to(device)
        self._optimiser = optimiser_of(self.network, settings)
        self._average = None if settings.average is None else Average(settings.average, weights_of(self.network))
        self._best: dict[str, Tensor] = {}
        trained = {name for name, _ in self.network.named_parameters()}
        state = self.network.state_dict()
        self._statistics = [state[name] for name in state if name not in trained and state[name].is_floating_point()]
        self._progress = Progress()
        self.metric = metric_of(data.task, settings.metric)
        classes = data.outputs + (data.task == "ordinal")
        weights = class_weights(data.task, data.train.targets, classes) if settings.balance == "weights" else None
        counts = None if weights is None else torch.tensor(weights, dtype=torch.float32, device=device)
        if not isinstance(recipe, OwnMeasure):
            self._loss = loss_of(data.task, settings.loss, counts)
            self._plain_loss = loss_of(data.task, settings.loss)
        by_example = example_weights(data.task, data.train.targets, classes) if settings.balance == "sampling" else None
        self._sampler = Sampler(len(data.train.targets), settings.batch, seed, by_example)
        self._counts = label_counts(data.train)
        self._scaler = torch.amp.GradScaler(device, enabled=self._is_mixed and settings.precision == "float16")

    def run(
        self,
        resume: bytes | None,
        keep: Callable[[bytes], None],
        turn: Callable[[], None] = lambda: None,
        stop: Callable[[], bool] = lambda: False,
        is_time: Callable[[], bool] = lambda: False,
    ) -> Fitted:
        """Fit to the end, or until `stop`, which is asked after each step.

        `resume`: a state that an earlier one kept. `keep` gets the state after each epoch, before it stops, and when
        `is_time`. `turn` is called after each step: it gets on.
        """
        if resume is not None:
            self._load(State.decode(resume))
        while not self._is_done():
            steps = self._sampler.epoch(self._progress.epoch)
            while self._progress.step < len(steps):
                self._step(steps[self._progress.step], len(steps))
                turn()
                if stop():
                    keep(self._state().encode())
                    return self._fitted(is_done=False)
                if is_time():
                    keep(self._state().encode())
            self._end_epoch()
            keep(self._state().encode())
        return self._fitted(is_done=True)

    def said(self, fit: str) -> str:
        """How far it is, in words."""
        at, steps = self._progress, self._sampler.steps
        loss = f", loss {at.loss / at.seen:.4f}" if at.seen else ""
        best = "" if at.best is None else f", best {self.metric} {at.best:.4f}"
        return f"{fit}: epoch {at.epoch + 1} of {self._settings.epochs}, step {at.step} of {steps}{loss}{best}"

    @property
    def has_best(self) -> bool:
        """Whether an epoch has come to its end, so that there are weights of which it is known how good they are."""
        return bool(self._best)

    @property
    def _is_mixed(self) -> bool:
        return self._settings.precision != "float32"

    def _is_done(self) -> bool:
        return _is_done(self._progress, self._settings)

    def _step(self, places: NDArray[np.int64], steps: int) -> None:
        at = self._progress
        words = (self._seed, at.epoch, 1 + at.step, self._ranks.rank)
        torch.manual_seed(int(generator_of(*words).integers(2**63)))
        chance = generator_of(*words, 1)
        done = at.epoch * steps + at.step
        for group in self._optimiser.param_groups:
            group["lr"] = rate_at(self._settings, done, self._settings.epochs * steps)
        labels = max(1, self._labels(places))
        mine = np.array_split(places, self._ranks.size)[self._ranks.rank]
        self.network.train()
        self._optimiser.zero_grad()
        total = torch.zeros((), device=self._device)
        for part in np.array_split(mine, self._settings.accumulate):
            if len(part):
                total += self._backward(part, labels, chance)
        gradients = [weight.grad for weight in self.network.parameters() if weight.grad is not None]
        self._ranks.add_up([*gradients, total, *self._statistics])
        # Means of all ranks after every step, so that the first one's state is all that there is to go on from.
        for one in self._statistics if self._ranks.size > 1 else ():
            one.div_(self._ranks.size)
        self._scaler.unscale_(self._optimiser)
        if self._settings.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self._settings.clip)
        self._scaler.step(self._optimiser)
        self._scaler.update()
        if self._average is not None:
            self._average.add(self.network, done)
        at.loss += self._finite(float(total))
        at.seen += labels
        at.step += 1

    def _finite(self, loss: float) -> float:
        """Raises SpecError where weights ran away, or examples hold what is no number."""
        if math.isfinite(loss):
            return loss
        at = self._progress
        raise SpecError(
            f"the loss is {loss} in epoch {at.epoch}, step {at.step}: lower learning_rate, set clip, or look for "
            "values that are not finite in what the network is shown"
        )

    def _backward(self, part: NDArray[np.int64], labels: int, chance: np.random.Generator) -> Tensor:
        batch, targets = self._recipe.batch(self._data.train.take(part), self._data.train.targets[part], chance)
        loss = self._forward(self._moved(batch), targets.to(self._device))
        torch.autograd.backward(self._scaler.scale(loss / labels))
        return loss.detach()

    def _forward(self, batch: Mapping[str, Tensor], targets: Tensor) -> Tensor:
        kind = torch.device(self._device).type
        with torch.autocast(kind, getattr(torch, self._settings.precision), enabled=self._is_mixed):
            if isinstance(self._recipe, OwnMeasure):
                return self._recipe.loss(self.network, batch, targets)
            logits = self._recipe.logits(self.network, batch)
        return self._loss(logits.float(), targets)

    def _labels(self, places: NDArray[np.int64]) -> int:
        return int(self._counts[places].sum())

    def _end_epoch(self) -> None:
        at = self._progress
        weights = self._scored_weights()
        loss, value = self._tuned(weights)
        least = 0.0 if self._settings.early_stopping is None else self._settings.early_stopping.least
        if self._settings.keep == "last" or is_better(self.metric, value, at.best, least) or not self._best:
            at.best, at.best_epoch, at.worse, self._best = value, at.epoch, 0, weights
        else:
            at.worse += 1
        steps = self._sampler.steps
        rate = rate_at(self._settings, (at.epoch + 1) * steps - 1, self._settings.epochs * steps)
        figures = {"train_loss": at.loss / max(1, at.seen), "tuning_loss": loss, self.metric: value}
        at.history.append({"epoch": at.epoch, "learning_rate": rate, **figures})
        at.epoch, at.step, at.loss, at.seen = at.epoch + 1, 0, 0.0, 0

    def _scored_weights(self) -> dict[str, Tensor]:
        """The weights that are scored: the average where there is one."""
        if self._average is not None:
            return {name: tensor.clone() for name, tensor in self._average.weights.items()}
        return weights_of(self.network)

    @torch.no_grad()
    def _tuned(self, weights: Mapping[str, Tensor]) -> tuple[float, float]:
        """Mean loss and metric of all tuning rows under these weights."""
        before = weights_of(self.network)
        self.network.load_state_dict(dict(weights))
        self.network.eval()
        if isinstance(self._recipe, OwnMeasure):
            loss, value = self._judged(self._recipe)
        else:
            logits, targets, loss = self._tuning()
            value = loss if self.metric == "loss" else value_of(self.metric, self._data.task, logits, targets)
        self.network.load_state_dict(before)
        return loss, value

    def _judged(self, recipe: OwnMeasure) -> tuple[float, float]:
        """Mean loss and metric as the recipe has them."""
        places = np.arange(len(self._data.tuning.targets)).reshape(-1, 1)
        found = [recipe.judged(self.network, one) for place in places for one in self._data.tuning.take(place)]
        loss = float(np.mean([loss for loss, _ in found]))
        return loss, loss if self.metric == "loss" else mean_figure([figures for _, figures in found])

    def _tuning(self) -> tuple[Floats, Floats, float]:
        """Logits of all tuning rows, what is true of them, and the mean loss of their labels."""
        found, truths, loss = [], [], 0.0
        rows = self._data.tuning.targets
        for places in np.array_split(np.arange(len(rows)), max(1, -(-len(rows) // self._settings.batch))):
            batch, targets = self._recipe.batch(self._data.tuning.take(places), rows[places], None)
            logits = self._recipe.logits(self.network, self._moved(batch)).float()
            loss += float(self._plain_loss(logits, targets.to(self._device)))
            found.append(logits.cpu().numpy().astype(np.float64))
            truths.append(targets.numpy().astype(np.float64))
        truth = np.concatenate(truths)
        return np.concatenate(found), truth, loss / max(1, int((~np.isnan(truth)).sum()))

    def _moved(self, batch: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        return {name: tensor.to(self._device) for name, tensor in batch.items()}

    def _state(self) -> State:
        self._progress.scaler = self._scaler.state_dict()
        average = {} if self._average is None else self._average.weights
        tensors = {"network": weights_of(self.network), "average": average, "best": self._best}
        return State(self._progress, {**tensors, "optimiser": optimiser_tensors(self._optimiser)})

    def _load(self, state: State) -> None:
        self._progress = state.progress
        self.network.load_state_dict(dict(state.tensors["network"]))
        if state.progress.scaler:
            self._scaler.load_state_dict(state.progress.scaler)
        fill_optimiser(self._optimiser, state.tensors.get("optimiser", {}))
        if self._average is not None:
            self._average.weights = {name: one.to(self._device) for name, one in state.tensors["average"].items()}
        self._best = dict(state.tensors.get("best", {}))

    def _fitted(self, is_done: bool) -> Fitted:
        at = self._progress
        best = {name: tensor.cpu() for name, tensor in (self._best or weights_of(self.network)).items()}
        return Fitted(best, at.history, at.best_epoch, at.best, is_done, self.metric)


def fitted_of(state: State, settings: FitSettings, task: Task) -> Fitted:
    """What a training has come to in this state, without its network."""
    at = state.progress
    best = state.tensors.get("best") or state.tensors["network"]
    return Fitted(best, at.history, at.best_epoch, at.best, _is_done(at, settings), metric_of(task, settings.metric))


def _is_done(at: Progress, settings: FitSettings) -> bool:
    stopping = settings.early_stopping
    return at.epoch >= settings.epochs or (stopping is not None and at.worse >= stopping.patience)
