"""What passes between the reading of molecules and the models that score them.

A model has two halves. Its encoder runs ahead of the device: it takes a text of each molecule (its SMILES), or, where
it says what it `wants` of RDKit, the numbers that were computed in a child process. Its scorer takes what was encoded
of a whole shard, cuts its own batches, and gives the values back in the order it got them.

The formats on notes fit: an encoder of theirs takes texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from workers.contract import EncoderFormat, Scorer
from workers.text_models.contract import TextEncoder

if TYPE_CHECKING:
    from workers.text_models import classification, embedding

Numbers = NDArray[Any]


@dataclass(frozen=True)
class Wanted:
    """The encoder of a model that takes numbers: `wants` is plain JSON, see `workers.molecules.handler`."""

    wants: Mapping[str, Any]

    def close(self) -> None:
        """Nothing runs."""


MoleculeFormat = EncoderFormat[Scorer, TextEncoder | Wanted]
"""A model format on molecules. It has no prepare steps: what it can be told stands in its directory."""

if TYPE_CHECKING:
    # The formats on texts score SMILES too; this is where mypy holds them against that.
    _TEXT: tuple[MoleculeFormat, ...] = (classification.FORMAT, embedding.FORMAT)
