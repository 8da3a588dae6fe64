"""What passes between the reading of notes and the models that score them.

A model on notes has two halves. Its encoder runs ahead of the device, on text alone: tokenisation, windows, look-ups,
or all of a language pipeline. Its scorer takes what was encoded for a whole shard, so that it can sort by length and
cut its own batches; it gives the values back in the order it got them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from schemas.outputs import OutputField
from workers.contract import Encoded, ModelCard


class NoteEncoder(Protocol):
    """The half of a model that needs no device. Imports no torch."""

    def encode(self, texts: Sequence[str]) -> Sequence[Encoded]:
        """One value a text, in order. The texts are cleaned, never blank, and as many as the reader likes at a time.

        Called by one thread at a time. What comes out must not depend on which texts come together.
        """

    def close(self) -> None:
        """Stop threads and children."""


@runtime_checkable
class HasHelpers(Protocol):
    """An encoder that computes in other threads or processes than the one that calls it."""

    @property
    def helper_seconds(self) -> float:
        """Processor seconds that those spent since the start; `busy` counts them."""


class NoteScorer(Protocol):
    """The half of a model that lives on the device."""

    outputs: tuple[OutputField, ...]

    def score(self, values: Sequence[Any]) -> Mapping[str, Sequence[Any]]:
        """For each output one value an encoded note, in order.

        Called with all notes of a shard that were encoded; where those are very large, with one run of them after the
        other. Not called without notes.

        Raises RecordError if a note does not fit the network, MemoryError where the device ran out of memory even
        for the smallest batch.
        """


class NoteFormat(Protocol):
    """A model format on notes: one module, and one line in `workers.registry.FORMATS["notes"]`.

    One that has prepare steps of its own names them in `FORMAT_STEPS` (see `workers.ehr.notes.prepare`). Where those
    decide which columns the model writes, or how it is loaded, the module has `with_steps(card, steps) -> ModelCard`
    as well: the card that the run, `open_encoder` and `load` then get. Raises SpecError.
    """

    LOOKS_FOR: str
    """By what a directory is recognised, for people."""

    def recognises(self, directory: Path) -> bool:
        """Whether the directory holds a model of this format, judged by its files' names and config alone."""

    def describe(self, directory: Path) -> ModelCard:
        """Read the card without importing torch. Raises SpecError with what is wrong."""

    def open_encoder(self, directory: Path, card: ModelCard, steps: Sequence[Any], cpus: float) -> NoteEncoder:
        """The encoder. `steps` are the prepare steps that are this format's own: instances of its `FORMAT_STEPS`."""

    def load(self, directory: Path, card: ModelCard, device: str, threads: int) -> NoteScorer:
        """Load the weights to `device` ('cpu' or 'cuda')."""
