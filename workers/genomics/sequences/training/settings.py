"""What a spec says of a training over sequences. Imports no torch."""

from typing import Self

from pydantic import model_validator

from workers.genomics.sequences.settings import SequencesInput
from workers.training.job.settings import TrainKeys


class SequencesTraining(TrainKeys, SequencesInput):
    """`input:` of a training over sequences of one length: that of predict, and what is learned from it."""

    @model_validator(mode="after")
    def _learns_from_sequences(self) -> Self:
        if self.reference is not None:
            raise ValueError("uri: a network is trained on sequences, not on variants: give a table, or a FASTA")
        return self


INPUT = SequencesTraining
"""What `input:` of a spec is checked against."""
