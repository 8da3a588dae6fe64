"""Facts about a dataset for `wardround plan`."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from schemas.loading import validate
from tests.support.meds_data import events, write_dataset, write_labels
from workers.ehr.events import look as looking
from workers.ehr.events.look import look
from workers.ehr.events.meds import MedsRoot
from workers.ehr.events.ranges import SCHEMA, range_batches
from workers.ehr.events.settings import EventsInput
from workers.ehr.events.task import WantedTimes

AT = {"at": "2024-01-01"}


def facts(uri: Path, task: dict[str, Any] = AT, **more: Any) -> Mapping[str, Any]:
    source = validate(EventsInput, {"collection": "events", "uri": str(uri), "task": task, **more}, "input")
    root = MedsRoot(source.uri, StorageSettings())
    return look([pa.Table.from_batches(range_batches(root), SCHEMA)], root, WantedTimes(source, StorageSettings()))


def test_files_events_and_subjects_are_counted_each_subject_once(tmp_path: Path) -> None:
    parts = [events([1, 2]), events([2, 3])]
    write_dataset(tmp_path, parts)
    assert facts(tmp_path) == {
        "meds_version": "0.4.1",
        "files": 2,
        "events": sum(part.height for part in parts),
        "subjects": 3,
    }


def test_a_file_whose_footer_cannot_be_read_is_counted_as_such(tmp_path: Path) -> None:
    write_dataset(tmp_path, [events([1, 2])])
    (tmp_path / "data" / "broken.parquet").write_bytes(b"no parquet")
    found = facts(tmp_path)
    assert (found["files"], found["unreadable_files"], found["subjects"]) == (2, 1, 2)


def test_of_very_many_events_the_subjects_of_the_first_are_counted_and_called_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [events([1, 2]), events([3, 4])]
    write_dataset(tmp_path, parts)
    monkeypatch.setattr(looking, "_COUNTED_ROWS", 1)
    found = facts(tmp_path)
    assert "subjects" not in found
    assert found[f"subjects_in_first_{parts[0].height}_events"] == 2


def test_a_label_table_is_told_by_its_rows_and_what_is_carried(tmp_path: Path) -> None:
    write_dataset(tmp_path, [events([1])])
    labels = write_labels(tmp_path / "l.parquet", [(1, datetime(2024, 1, 1))] * 3, boolean_value=[True, False, None])
    found = facts(tmp_path, {"labels": str(labels)}, carry=("boolean_value",))
    assert (found["label_rows"], found["carried"]) == (3, "boolean_value")


def test_a_version_that_is_not_read_is_refused_by_name(tmp_path: Path) -> None:
    root = write_dataset(tmp_path, [events([1])], version="0.2.0")
    source = validate(EventsInput, {"collection": "events", "uri": str(root), "task": AT}, "input")
    with pytest.raises(SpecError, match=r"'0\.2\.0'; MEDS 0\.3 and 0\.4 are read: convert it"):
        look([], MedsRoot(str(root), StorageSettings()), WantedTimes(source, StorageSettings()))
