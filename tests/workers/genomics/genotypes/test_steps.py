from __future__ import annotations

from typing import Any

import pytest

from schemas.errors import SpecError
from workers.genomics.genotypes.steps import parse_steps


def test_what_is_left_out_has_its_defaults_and_adjust_is_not_done() -> None:
    steps = parse_steps([])
    assert (steps.match.min_overlap, steps.match.ambiguous) == (0.75, "drop")
    assert (steps.impute.missing, steps.impute.min_samples) == ("frequency", 50)
    assert (steps.haploid.ploidy, steps.columns.average, steps.columns.counts) == ("observed", False, True)
    assert steps.adjust is None


def test_steps_may_come_in_any_order() -> None:
    forward = [{"impute": {"missing": "none"}}, {"haploid": {"ploidy": "diploid"}}]
    assert parse_steps(forward) == parse_steps(forward[::-1])


@pytest.mark.parametrize(
    ("step", "wrong"),
    [
        ({"impute": {"missing": "none", "frequencies": "f.tsv"}}, "frequencies goes with missing: frequency"),
        ({"adjust": {"z": False}}, "adjust asks for nothing"),
        ({"impute": {"min_samples": 0}}, "min_samples"),
        ({"normalise": {}}, "normalise"),
    ],
)
def test_a_step_that_cannot_be_done_is_named(step: dict[str, Any], wrong: str) -> None:
    with pytest.raises(SpecError, match=wrong):
        parse_steps([step])


def test_no_step_comes_twice() -> None:
    with pytest.raises(SpecError, match="match"):
        parse_steps([{"match": {}}, {"match": {"by": "id"}}])
