"""The columns of a variant: what the model makes of the reference, of ALT, and the difference."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from schemas.outputs import OutputField
from workers.genomics.sequences.contract import Scores, SequenceScorer

_SIDES = {
    "ref": "{}, of the reference",
    "alt": "{}, with the variant in it",
    "delta": "{}: with the variant less without",
}


def variant_outputs(outputs: Sequence[OutputField]) -> tuple[OutputField, ...]:
    """`<name>_ref`, `<name>_alt` and `<name>_delta` for each output of a model."""
    return tuple(
        field.model_copy(update={"name": f"{field.name}_{side}", "meaning": meaning.format(field.meaning)})
        for field in outputs
        for side, meaning in _SIDES.items()
    )


def columns_of(outputs: Sequence[OutputField], ref: Scores, alt: Scores | None) -> Mapping[str, Any]:
    """Values by column; without variants the columns are the model's own."""
    if alt is None:
        return _by_name(outputs, ref, "")
    sides = {"ref": ref, "alt": alt, "delta": alt - ref}
    return {
        name: values for side, scores in sides.items() for name, values in _by_name(outputs, scores, f"_{side}").items()
    }


def _by_name(outputs: Sequence[OutputField], scores: Scores, ending: str) -> dict[str, Any]:
    if len(outputs) == 1 and outputs[0].type.startswith("list"):
        return {outputs[0].name + ending: list(scores)}
    return {field.name + ending: np.ascontiguousarray(scores[:, i]) for i, field in enumerate(outputs)}


class ColumnScorer:
    """A `workers.contract.Scorer`. `has_variants`: its columns are of the reference, ALT and the difference."""

    def __init__(self, scorer: SequenceScorer, has_variants: bool) -> None:
        self.outputs = variant_outputs(scorer.outputs) if has_variants else scorer.outputs
        self._scorer = scorer

    def score(self, values: Sequence[Any]) -> Mapping[str, Any]:
        """The model's outputs as columns, for each allele and their difference where there are variants."""
        ref, alt = self._scorer.score(values)
        return columns_of(self._scorer.outputs, ref, alt)
