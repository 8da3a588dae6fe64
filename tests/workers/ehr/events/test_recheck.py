"""Rows computed again from a source that may be there, gone, changed, or out of reach."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from cluster.storage import StorageSettings, open_store
from schemas.errors import InfrastructureError
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.meds_data import events, write_dataset
from tests.support.seaweed import S3
from workers.collection import Recheck
from workers.ehr.events.recheck import recheck
from workers.ehr.events.settings import EventsInput

WHEN = datetime(2030, 1, 1)


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_storage_that_fails_is_an_error_and_not_a_source_that_is_gone(
    tmp_path: Path, s3: S3, bucket_prefix: str, method: str
) -> None:
    frame = events([1, 2])
    write_dataset(tmp_path, [frame])
    store = open_store(bucket_prefix, s3.settings)
    info = next(iter(open_store(str(tmp_path), StorageSettings()).list("data/")))
    store.put(info.key, (tmp_path / info.key).read_bytes(), {})
    head = store.head(info.key)
    assert head is not None
    counts = [frame.filter(frame["subject_id"] == subject) for subject in (1, 2)]
    records = pa.table(
        {
            "subject_id": ["1", "2"],
            "prediction_time": pa.array([WHEN, WHEN], pa.timestamp("us")),
            "uri": [f"{bucket_prefix}/{info.key}"] * 2,
            "etag": [head.etag] * 2,
            "rows": [part.height for part in counts],
        }
    )
    rows = pa.table(
        {
            "status": ["ok", "ok"],
            "n_events": [part.height for part in counts],
            "last_event_time": pa.array([part["time"].max() for part in counts], pa.timestamp("us")),
        }
    )
    source = EventsInput.model_validate(
        {"collection": "events", "uri": bucket_prefix, "task": {"at": str(WHEN)}, "time_precision": "exact"}
    )
    with FaultProxy(s3.endpoint_url) as proxy:
        settings = s3.through(proxy.endpoint_url)
        assert recheck(source, settings, records, rows) == Recheck(2, 0, ())
        proxy.use(Fault("forbidden", method=method, times=1000))
        with pytest.raises(InfrastructureError):
            recheck(source, settings, records, rows)
    store.put(info.key, b"another", {})
    assert recheck(source, s3.settings, records, rows) == Recheck(0, 2, ())
    store.delete(info.key)
    assert recheck(source, s3.settings, records, rows) == Recheck(0, 2, ())
