"""What passes between the reading of texts (notes, SMILES) and the models that score them.

A model on texts has two halves. Its encoder runs ahead of the device, on text alone: tokenisation, windows, look-ups,
or all of a language pipeline. Its scorer takes what was encoded for a whole shard, so that it can sort by length and
cut its own batches; it gives the values back in the order it got them.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from pydantic import BaseModel

from workers.contract import Encoded, EncoderFormat, ModelCard, Scorer


class TextEncoder(Protocol):
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


class TextFormat(EncoderFormat[Scorer, TextEncoder], Protocol):
    """A model format on texts: notes, or the SMILES of molecules. It may have prepare steps of its own."""

    @property
    def steps(self) -> Mapping[str, type[BaseModel]]:
        """The settings of each of its own prepare steps, by the step's name."""

    def with_steps(self, card: ModelCard, steps: Sequence[BaseModel]) -> ModelCard:
        """The card under these steps, instances of `steps` in the order of the spec: the one that the run, the encoder
        and the scorer then get. Raises SpecError where they do not fit the model.
        """
