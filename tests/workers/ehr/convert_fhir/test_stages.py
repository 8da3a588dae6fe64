"""What a worker opens for a conversion from FHIR: what is scanned, which versions count, what is read."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from schemas.loading import validate
from schemas.spec import Compute
from tests.support.fhir import observation
from tests.support.meds import convert_spec
from tests.support.worked_stages import WorkedStages
from workers.ehr.convert_fhir import stages
from workers.ehr.convert_fhir.collection import open_collection
from workers.ehr.convert_fhir.known import KnownByFile
from workers.ehr.convert_fhir.scan_stage import ResourceScan
from workers.ehr.convert_fhir.settings import FhirInput
from workers.ehr.fhir.versions import OLDER
from workers.ehr.meds.account_stage import MedsAccountStage
from workers.ehr.meds.layout import SCAN, VERSIONS, seen_key, superseded_key
from workers.ehr.meds.metadata_stage import MetadataStage
from workers.ehr.meds.read_stage import ReadStage
from workers.ehr.meds.sort_stage import SortStage
from workers.ehr.meds.subjects_stage import SubjectsStage
from workers.ehr.meds.versioned import VersionedConversion
from workers.ehr.meds.versions_stage import VersionsStage


def version(own: str, number: int, value: float) -> dict[str, Any]:
    meta = {"versionId": str(number), "lastUpdated": f"2024-01-0{number}T00:00:00Z"}
    return observation(own, value, meta=meta)


@pytest.fixture
def worked(tmp_path: Path) -> WorkedStages:
    """Observation a in two versions in two files, the newer one first; b once; one without an id."""
    (tmp_path / "in").mkdir()
    files = {
        "1": [version("a", 2, 5.0), version("b", 1, 1.0)],
        "2": [version("a", 1, 4.0), observation("", 9, id=None)],
    }
    for name, resources in files.items():
        text = "".join(f"{json.dumps(one)}\n" for one in resources)
        (tmp_path / "in" / f"{name}.ndjson").write_text(text)
    return WorkedStages(
        convert_spec(f"format: fhir, uri: {tmp_path / 'in'}", str(tmp_path / "out")), "workers.ehr.convert_fhir"
    )


def test_each_stage_is_opened_from_what_the_one_before_it_left(worked: WorkedStages) -> None:
    kinds = (ResourceScan, VersionsStage, ReadStage, SubjectsStage, SortStage, MetadataStage, MedsAccountStage)
    openers = (
        stages.scan,
        stages.versions,
        stages.read,
        stages.subjects,
        stages.sort,
        stages.metadata,
        stages.account,
    )
    for kind, opener in zip(kinds, openers, strict=True):
        assert isinstance(opener(worked.work()), kind)
    assert worked.job.open_next(worked.store, worked.stages) is None


def test_a_scan_sees_every_record_that_has_an_id_and_names_its_parts_by_what_they_hold(worked: WorkedStages) -> None:
    worked.work()
    rows = worked.stages[0].finished().all_rows(["part_events", "event_keys"]).to_pylist()
    assert [row["part_events"] for row in rows] == [[2], [1]]
    (first, *_), (second, *_) = (row["event_keys"] for row in rows)
    assert first.startswith(seen_key(0, 0, "").removesuffix(".parquet"))
    assert second.startswith(seen_key(1, 0, "").removesuffix(".parquet"))


def test_of_two_versions_the_older_one_does_not_count_wherever_it_lies(worked: WorkedStages) -> None:
    worked.work()
    worked.work()
    (row,) = worked.stages[1].finished().all_rows(["n_superseded", "superseded_key"]).to_pylist()
    assert row == {"n_superseded": 1, "superseded_key": superseded_key(0)}
    known = KnownByFile(worked.store)
    assert dict(known.of(1).superseded) == {(0, 0): OLDER}
    assert dict(known.of(0).superseded) == {}


def test_what_is_read_are_the_records_that_count(worked: WorkedStages) -> None:
    for _ in range(3):
        worked.work()
    keys = worked.stages[2].finished().all_rows(["event_keys"])["event_keys"].to_pylist()
    events = pl.concat(pl.read_parquet(worked.store.get(key)) for part in keys for key in part)
    assert sorted(events["numeric_value"].drop_nulls().to_list()) == [1.0, 5.0, 9.0]


def opened(folder: Path, **settings: object) -> VersionedConversion:
    source = validate(FhirInput, {"format": "fhir", "uri": str(folder), **settings}, "input")
    return open_collection(source, StorageSettings(), Compute())


def test_two_stages_come_before_those_of_every_conversion(tmp_path: Path) -> None:
    assert opened(tmp_path).stages[:3] == (SCAN, VERSIONS, "read")


def test_rules_that_are_not_there_and_a_folder_without_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="rules"):
        opened(tmp_path, rules=str(tmp_path / "no-rules.yaml"))
    with pytest.raises(SpecError, match=r"nothing lies at input\.uri"):
        list(opened(tmp_path).plan(SCAN, [], {}).batches())
    (tmp_path / "letter.txt").write_text("no export")
    with pytest.raises(SpecError, match=r"input\.uri has no \*\.ndjson"):
        list(opened(tmp_path).plan(SCAN, [], {}).batches())
