"""What decides the rows."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.planning.fingerprint import difference, fingerprint_parts
from schemas.plan import plan_schema
from schemas.spec import parse_spec
from workers.collection import StagePlan


def parts(numerics: str, compute: str) -> dict[str, Any]:
    spec = parse_spec(
        "{job: predict, name: n, input: {collection: images, uri: /in}, models: {m: {uri: /m}}, output: {uri: /out}, "
        f"numerics: {numerics}, compute: {{{compute}}}}}"
    )
    return fingerprint_parts(spec, StagePlan("predict", plan_schema(), lambda: iter(())), {}, {}, {}, ())


@pytest.mark.parametrize("compute", ["batch: 8", "cpus_per_worker: 4", "workers: 3"])
def test_batches_and_threads_decide_the_bits_but_not_the_scores(compute: str) -> None:
    assert parts("float32", compute) == parts("float32", "workers: 1")
    changed = parts("deterministic", compute) != parts("deterministic", "workers: 1")
    assert changed == ("workers" not in compute)


def test_a_difference_names_both_values() -> None:
    told = difference(parts("deterministic", "batch: 8"), parts("deterministic", "batch: 4"))
    assert told.startswith("numerics or device kind (was ")
    assert '"batch":8' in told
