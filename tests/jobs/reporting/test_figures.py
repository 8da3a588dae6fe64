"""The figures of a manifest as plain JSON."""

import json

from jobs.reporting.figures import figures
from schemas.run import Manifest

MANIFEST = Manifest(
    fingerprint="f" * 64,
    attempt="a",
    run_id="f" * 12,
    name="small",
    records=3,
    statuses={"ok": 2, "missing": 1},
    totals={"x": 0.5},
    tables={"by kind": ({"kind": "a", "records": 2},)},
    files=(),
    started="2026-01-01T00:00:00+00:00",
    finished="2026-01-01T01:00:00+00:00",
    seconds={"read": 1.5, "commit": 0.5},
    busy=0.75,
    counts={"windows": 8},
)


def test_every_figure_of_the_manifest_is_told_under_its_name_and_survives_json() -> None:
    found = figures(MANIFEST, "s3://bucket/out")
    assert json.loads(json.dumps(found)) == {
        "run_id": "f" * 12,
        "name": "small",
        "run": "s3://bucket/out",
        "records": 3,
        "statuses": {"ok": 2, "missing": 1},
        "totals": {"x": 0.5},
        "tables": {"by kind": [{"kind": "a", "records": 2}]},
        "seconds_by_step": {"read": 1.5, "commit": 0.5},
        "busy": 0.75,
        "counts": {"windows": 8},
        "fingerprint": "f" * 64,
        "started": "2026-01-01T00:00:00+00:00",
        "finished": "2026-01-01T01:00:00+00:00",
    }


def test_a_busy_share_that_nobody_measured_is_null_and_not_zero() -> None:
    assert figures(MANIFEST.model_copy(update={"busy": None}), "/out")["busy"] is None
