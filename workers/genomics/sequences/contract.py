"""What passes between the reading of sequences and the models that score them.

A model has two halves. Its encoder makes token numbers, or nothing at all, of windows ahead of the device; its scorer
takes what was encoded of a whole shard, so that it can compute what windows share once and cut its own batches.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from schemas.outputs import OutputField
from workers.contract import Encoded, EncoderFormat, Scorer
from workers.genomics.sequences.windows import VariantWindow

Scores = NDArray[np.float32]


class SequenceEncoder(Protocol):
    """The half of a model that needs no device. Imports no torch."""

    def encode(self, windows: Sequence[VariantWindow]) -> Sequence[Encoded]:
        """One value a window, in order. For a model on DNA bases are A, C, G, T and N.

        What comes out must not depend on which windows come together.
        """


class SequenceScorer(Protocol):
    """The half of a model that lives on the device."""

    @property
    def outputs(self) -> tuple[OutputField, ...]:
        """The outputs for one sequence: float32 numbers, or one `list<float32>`."""

    def score(self, values: Sequence[Any]) -> tuple[Scores, Scores | None]:
        """(records, numbers) of the reference, or of the sequence itself, and of ALT; None where there are no variants.

        In order. Called once a shard with all records that were encoded, never with none. Either all have a variant or
        none has. Raises MemoryError where the device ran out of memory even for the smallest batch.
        """


SequenceFormat = EncoderFormat[SequenceScorer | Scorer, SequenceEncoder]
"""A model format on sequences.

The settings of its cards have `alphabet`, `dna` or `protein`, and `longest`, how many bases the model takes at most
(None: it does not say). Their `prepare` is a list of steps of `workers.genomics.sequences.steps`; encoder and scorer
get the card with `both_strands` in its settings, whether the scorer is to give the mean of both.

A card with `steps.SPLICE_CONTEXT` in its settings is of a model that gives columns of its own for a variant, not the
same ones of REF and ALT: its scorer is a `workers.contract.Scorer`.
"""
