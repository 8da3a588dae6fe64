"""Prepare steps of a training: those of predict, of which `match` and `haploid` are for a panel."""

from typing import Any

from schemas.errors import SpecError
from workers.genomics.genotypes.steps import STEPS, Steps, parse_steps

__all__ = ["STEPS", "steps_of"]


def steps_of(raw: tuple[Any, ...]) -> Steps:
    """The checked steps. Raises SpecError for one that does nothing for a network over a panel, or that would look at
    samples that are not learned from."""
    for step in raw:
        name = step if isinstance(step, str) else next(iter(step), "")
        if name in ("impute", "columns", "adjust"):
            raise SpecError(f"prepare: {name} does nothing in a training over a panel: leave it out")
    steps = parse_steps(list(raw))
    if steps.match.ambiguous == "frequency":
        raise SpecError(
            "match.ambiguous: frequency takes those of the whole cohort, held-out samples too: take drop or keep"
        )
    return steps
