"""Who plans a stage when two drivers begin at the same moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from cluster.storage import open_store
from jobs.opening import StageRequest, open_stage
from schemas.errors import FingerprintError
from schemas.plan import plan_schema
from schemas.run import shard_key
from schemas.spec import parse_spec
from workers.collection import StagePlan

SPEC = """
job: predict
name: race
input: {collection: images, uri: /archive}
models: {m: {uri: /model}}
output: {uri: /out}
"""


def request(
    ids: list[str], numerics: str = "float32", before: StageRequest | None = None, at: Path = Path()
) -> StageRequest:
    """A stage over these records; while they are listed, another driver opens `before`."""

    def batches() -> Iterator[pa.RecordBatch]:
        if before is not None:
            open_stage(open_store(str(at)), before)
        nothing = {name: pa.nulls(len(ids), pa.string()) for name in ("subject_id", "etag")}
        numbers = {name: pa.nulls(len(ids), pa.int64()) for name in ("member", "size")}
        columns = {"record_id": pa.array(ids), "uri": pa.array(ids), **nothing, **numbers}
        yield pa.RecordBatch.from_pydict({name: columns[name] for name in plan_schema().names}, plan_schema())

    return StageRequest(
        plan=StagePlan("predict", plan_schema(), batches),
        spec=parse_spec(SPEC),
        directory="",
        rows_dir="predictions",
        parts={"numerics": numerics},
    )


def test_a_driver_whose_listing_is_younger_than_anothers_plan_takes_that_plan(tmp_path: Path) -> None:
    stage = open_stage(open_store(str(tmp_path)), request(["a", "b", "new"], before=request(["a", "b"]), at=tmp_path))
    assert stage.run.plan.records == 2


def test_a_driver_of_another_spec_is_refused_and_told_what_differs(tmp_path: Path) -> None:
    other = request(["a"], numerics="deterministic")
    with pytest.raises(FingerprintError, match=r"numerics or device kind \(was"):
        open_stage(open_store(str(tmp_path)), request(["a"], before=other, at=tmp_path))


@pytest.mark.parametrize(
    ("max_pixels", "others", "goes_on"),
    [(100, {}, True), (50, {}, True), (101, {}, False), (50, {"frame": "all"}, False)],
)
def test_a_run_goes_on_under_limits_that_refuse_more_and_under_no_others(
    tmp_path: Path, max_pixels: int, others: dict[str, str], goes_on: bool
) -> None:
    def limited(**source: object) -> StageRequest:
        made = request(["a"])
        return replace(made, plan=replace(made.plan, tightenable=("max_pixels",)), parts={"input": source})

    first = open_stage(open_store(str(tmp_path)), limited(max_pixels=100, frame="first"))
    open_store(str(tmp_path)).put(shard_key("predictions", 0), b"a row, so that the run is not replaced", {})
    again = limited(**{"frame": "first", "max_pixels": max_pixels, **others})
    if goes_on:
        assert open_stage(open_store(str(tmp_path)), again).run == first.run
    else:
        with pytest.raises(FingerprintError, match="changed: input"):
            open_stage(open_store(str(tmp_path)), again)
