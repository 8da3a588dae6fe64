"""The models of a run in a worker: their directories on this node, their cards, and how each is loaded."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from cluster.storage import Fetched, fetch_directory
from schemas.errors import WardroundError
from workers.contract import Affine, EncoderFormat, Format, ModelCard, Placement, ScorerFormat
from workers.models.detect import Formats
from workers.pipeline.context import StageContext
from workers.pipeline.models import device

F_co = TypeVar("F_co", bound=Format, covariant=True)
S = TypeVar("S")
E = TypeVar("E")

Settle = Callable[[ModelCard, Sequence[Any]], ModelCard]
"""(card, the run's prepare list) -> the card under these steps"""


@dataclass(frozen=True)
class OpenedModel(Generic[F_co]):
    """One model of the run. `steps` are its prepare list as it stands in the run; `card` is the card under them."""

    name: str
    directory: Path
    card: ModelCard
    steps: tuple[Any, ...]
    format: F_co
    fetched: Fetched
    uri: str

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Whatever reads its files. Errors name the directory as the run does. Raises RefusedError where the files were
        changed meanwhile.
        """
        with self.fetched.named(self.uri):
            yield
        self.fetched.check(self.uri)


class RunModels(Generic[F_co]):
    """Every model of a run, in its order; each is fetched at its first use. Safe to use from several threads.

    A model that storage did not give is asked for again at its next use.
    """

    def __init__(self, context: StageContext, formats: Formats[F_co], settle: Settle = lambda card, _: card) -> None:
        self.cpus = context.cpus
        self.threads = max(1, int(context.cpus))
        self._context = context
        self._formats = formats
        self._settle = settle
        self._opened: dict[str, OpenedModel[F_co]] = {}
        self._lock = threading.Lock()

    @property
    def names(self) -> list[str]:
        """Names of the models in the order of the run."""
        return list(self._context.run.models)

    @property
    def device(self) -> str:
        """Where this worker scores: 'cpu' or 'cuda'."""
        return device(self._context.gpus)

    def __getitem__(self, name: str) -> OpenedModel[F_co]:
        """Loads no weights and imports no torch.

        Raises RefusedError where the files are not those of the run, InfrastructureError where storage keeps failing.
        """
        with self._lock:
            if name not in self._opened:
                self._opened[name] = self._open(name)
            return self._opened[name]

    def __iter__(self) -> Iterator[OpenedModel[F_co]]:
        """Every model."""
        return iter([self[name] for name in self.names])

    def _open(self, name: str) -> OpenedModel[F_co]:
        run = self._context.run
        # What is scored with and is no part of the fingerprint could be exchanged between two starts.
        if run.parts["models"].get(name) != run.models[name].sha256:
            raise WardroundError(f"model {name} is not part of the run's fingerprint")
        fetched, steps, uri = self.fetch(name), tuple(run.prepare[name]), run.models[name].uri
        with fetched.named(uri):
            kind, card = self._formats.describe(fetched.path)
            settled = self._settle(card, list(steps))
        return OpenedModel(name, fetched.path, settled, steps, self._formats[kind], fetched, uri)

    def fetch(self, name: str) -> Fetched:
        """A copy of the directory on this node, which holds what the run names; hashed once a node."""
        record = self._context.run.models[name]
        return fetch_directory(record.uri, self._context.own_storage, expected_sha256=record.sha256, remembered=True)


def open_encoder(models: RunModels[EncoderFormat[S, E]], name: str) -> E:
    """The half of a model that needs no device."""
    model = models[name]
    with model.reading():
        return model.format.open_encoder(model.directory, model.card, models.cpus)


def load_scorer(models: RunModels[ScorerFormat[S]], name: str, affine: Affine | None = None) -> S:
    """A model on this worker's device. Raises RefusedError if its files were changed while they were loaded."""
    model = models[name]
    with model.reading():
        return model.format.load(model.directory, model.card, Placement(models.device, models.threads, affine))


def load_scorers(models: RunModels[ScorerFormat[S]]) -> Mapping[str, S]:
    """Every model of the run on this worker's device, in the run's order."""
    return {name: load_scorer(models, name) for name in models.names}
