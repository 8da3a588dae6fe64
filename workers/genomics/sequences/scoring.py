"""The scorer of a model on sequences as the pipeline takes it: its numbers as columns."""

from collections.abc import Mapping, Sequence
from typing import Any

from workers.genomics.sequences.contract import SequenceScorer
from workers.genomics.sequences.outputs import columns_of, variant_outputs


class ColumnScorer:
    """A `workers.pipeline.holding.Scorer`. `has_variants`: its columns are of the reference, ALT and the difference."""

    def __init__(self, scorer: SequenceScorer, has_variants: bool) -> None:
        self.outputs = variant_outputs(scorer.outputs) if has_variants else scorer.outputs
        self._scorer = scorer

    def score(self, values: Sequence[Any]) -> Mapping[str, Any]:
        """The model's outputs as columns, for each allele and their difference where there are variants."""
        ref, alt = self._scorer.score(values)
        return columns_of(self._scorer.outputs, ref, alt)
