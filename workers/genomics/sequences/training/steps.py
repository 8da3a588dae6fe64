"""Prepare steps of a training: those of predict, of which `window.ambiguous` and `both_strands` are for sequences."""

from typing import Any

from schemas.errors import SpecError
from workers.contract import ModelCard
from workers.genomics.sequences.steps import STEPS, Preparation, parse_steps, resolve

__all__ = ["STEPS", "steps_of", "written_steps"]

_CARD = ModelCard(format="sequence-cnn", outputs=(), settings={"alphabet": "dna"})


def written_steps(given: tuple[Any, ...] | None) -> tuple[Any, ...]:
    """The list with every setting. Raises SpecError for a step, or a setting, that does nothing to whole sequences."""
    if any(isinstance(step, dict) and "edges" in (step.get("window") or {}) for step in given or ()):
        raise SpecError("prepare: window.edges is for variants; whole sequences have no contig: leave it out")
    return resolve(_CARD, given or (), has_variants=False)


def steps_of(written: tuple[Any, ...]) -> Preparation:
    """The checked steps of a run."""
    return parse_steps(written)
