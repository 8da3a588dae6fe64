"""The few values that pass between reading, preparing and scoring inside a worker.

A record becomes an `Image` a frame (decode), each image an array a model (prepare steps), each array a value an
output column (model). Steps run where torch is not imported; what a device does better (`Affine`) is left to the model.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from numpy.typing import NDArray

from schemas.outputs import OutputField
from schemas.status import Fault

Array = NDArray[Any]


@dataclass(frozen=True)
class Affine:
    """`(x * scale - mean) / std` in float32, per channel or for all: the last steps, done on the device."""

    scale: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)


@dataclass(frozen=True)
class ModelCard:
    """What a model directory says of itself, read without torch.

    `prepare` is the list of steps as it stands in a spec: each a name, or a mapping of one name to its settings.
    `channels` is the number of input channels (None: any). `value_range` are the smallest and largest value that the
    network was made for, as they are after all steps; None: the directory does not say.
    """

    format: str
    outputs: tuple[OutputField, ...]
    prepare: tuple[str | Mapping[str, Any], ...] = ()
    channels: int | None = None
    value_range: tuple[float, float] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Encoded:
    """One record as one model's scorer takes it.

    `nbytes` counts against the budget until it is scored. `fault` is set where this model cannot take the record;
    there is no value then.
    """

    value: Any
    nbytes: int = 0
    fault: Fault | None = None


class Model(Protocol):
    """A loaded model on one device."""

    @property
    def outputs(self) -> tuple[OutputField, ...]:
        """The columns that `forward` gives."""

    def batch_key(self, array: Array) -> Hashable:
        """Arrays with equal keys may share a forward pass."""

    def forward(self, batch: Sequence[Array]) -> Mapping[str, Sequence[Any] | Array]:
        """For each output one value an array, in order. Arrays have equal batch keys.

        A float output is float32. Raises MemoryError where the device ran out of memory, so that a smaller batch can
        be tried, and RecordError (out_of_contract) if the arrays do not fit the network.
        """


class Scorer(Protocol):
    """The half of a model that lives on the device; the other, its encoder, made what this one takes."""

    @property
    def outputs(self) -> tuple[OutputField, ...]:
        """The columns that `score` gives."""

    def score(self, values: Sequence[Any]) -> Mapping[str, Any]:
        """For each output one value a record, in order. Called with all of a shard, or with one run of it after the
        other where it is large; never without values.

        Raises RecordError if a record does not fit the network, MemoryError where the device ran out of memory even
        for the smallest batch.
        """


@dataclass(frozen=True)
class Placement:
    """Where a worker loads a model: `device` is 'cpu' or 'cuda', `threads` are for work on the CPU.

    `affine` are the last prepare steps of an image, which the device does; None everywhere else.
    """

    device: str
    threads: int = 1
    affine: Affine | None = None


Scorer_co = TypeVar("Scorer_co", covariant=True)
Encoder_co = TypeVar("Encoder_co", covariant=True)


class Format(Protocol):
    """A kind of model directory, as it is recognised and described.

    A format is a module with `FORMAT`, an instance annotated with the Protocol of its collection (`TextFormat` and so
    on: this one, or one of the two below), so that mypy holds it against the contract where it is written; and one
    line in `workers/registry.py`.
    """

    @property
    def looks_for(self) -> str:
        """What a directory is recognised by, for people."""

    def recognises(self, directory: Path) -> bool:
        """Whether the directory holds a model of this format, judged by its files' names and config alone."""

    def describe(self, directory: Path) -> ModelCard:
        """Read the card without importing torch. Raises SpecError with what is wrong, SecurityError for what could run
        code or lies outside the directory.
        """


class ScorerFormat(Format, Protocol[Scorer_co]):
    """A format whose models are loaded to a device. What they take is prepared by steps that no format knows."""

    def load(self, directory: Path, card: ModelCard, placement: Placement) -> Scorer_co:
        """Load the weights. The card is that of `describe`, under the prepare steps of the run.

        Raises SpecError if weights or settings do not fit each other.
        """


class EncoderFormat(ScorerFormat[Scorer_co], Protocol[Scorer_co, Encoder_co]):
    """A format with two halves: an encoder that makes ahead of the device what the scorer takes."""

    def open_encoder(self, directory: Path, card: ModelCard, cpus: float) -> Encoder_co:
        """The encoder for the same card; it may use so many processors. Imports no torch."""
