"""What passes between the reading of molecules and the models that score them.

A model has two halves. Its encoder runs ahead of the device: it takes a text of each molecule (its SMILES), or, where
it says what it `wants` of RDKit, the numbers that were computed in a child process. Its scorer takes what was encoded
of a whole shard, cuts its own batches, and gives the values back in the order it got them.

The formats on notes fit: an encoder of theirs takes texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from schemas.outputs import OutputField
from workers.contract import Encoded, ModelCard

Numbers = NDArray[Any]


class TextEncoder(Protocol):
    """Takes texts. Imports no torch."""

    def encode(self, texts: Sequence[str]) -> Sequence[Encoded]:
        """One a text, in order; not called without texts."""

    def close(self) -> None:
        """Stop threads and children."""


@dataclass(frozen=True)
class Wanted:
    """The encoder of a model that takes numbers: `wants` is plain JSON, see `workers.molecules.handler`."""

    wants: Mapping[str, Any]

    def close(self) -> None:
        """Nothing runs."""


class MoleculeScorer(Protocol):
    """The half of a model that lives on the device."""

    outputs: tuple[OutputField, ...]

    def score(self, values: Sequence[Any]) -> Mapping[str, Sequence[Any] | Numbers]:
        """For each output one value an encoded molecule, in order; not called without molecules.

        Raises MemoryError where the device ran out of memory even for the smallest batch.
        """


class MoleculeFormat(Protocol):
    """A model format on molecules: one module, and one line in `workers.registry.FORMATS["molecules"]`."""

    LOOKS_FOR: str
    """By what a directory is recognised, for people."""

    def recognises(self, directory: Path) -> bool:
        """Whether the directory holds a model of this format, judged by its files' names and config alone."""

    def describe(self, directory: Path) -> ModelCard:
        """Read the card without importing torch. Raises SpecError with what is wrong."""

    def open_encoder(self, directory: Path, card: ModelCard, steps: Sequence[Any], cpus: float) -> TextEncoder | Wanted:
        """The encoder. `steps` are none: what a format on molecules can be told stands in its directory."""

    def load(self, directory: Path, card: ModelCard, device: str, threads: int) -> MoleculeScorer:
        """Load the weights to `device` ('cpu' or 'cuda')."""
