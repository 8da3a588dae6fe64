"""What a worker opens for a conversion from FHIR, stage by stage, and its reader of lines."""

import gzip
import json
from pathlib import Path

import pytest

from cluster.storage import ObjectMissing, StorageSettings, open_store
from schemas.errors import SpecError
from schemas.loading import validate
from schemas.spec import Compute
from tests.support.meds import convert_spec
from tests.support.worked_stages import WorkedStages
from workers.ehr.convert_fhir import stages
from workers.ehr.convert_fhir.collection import RULES, open_collection
from workers.ehr.convert_fhir.rules import FhirRules
from workers.ehr.convert_fhir.settings import FhirInput
from workers.ehr.convert_fhir.stages import FhirReader
from workers.ehr.meds.account_stage import MedsAccountStage
from workers.ehr.meds.chunks import Chunk
from workers.ehr.meds.collection import MedsConversion
from workers.ehr.meds.metadata_stage import MetadataStage
from workers.ehr.meds.read_stage import ReadStage
from workers.ehr.meds.rulefile import load_rules
from workers.ehr.meds.sort_stage import SortStage
from workers.ehr.meds.subjects_stage import SubjectsStage


def line(number: int) -> str:
    coding = {"system": "http://snomed.info/sct", "code": str(number)}
    condition = {"resourceType": "Condition", "subject": {"reference": "Patient/p"}, "code": {"coding": [coding]}}
    return json.dumps({**condition, "recordedDate": "2020-01-01"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten conditions, plain and packed."""
    (tmp_path / "in").mkdir()
    text = "".join(f"{line(number)}\n" for number in range(10))
    (tmp_path / "in" / "a.ndjson").write_text(text)
    (tmp_path / "in" / "b.ndjson.gz").write_bytes(gzip.compress(text.encode()))
    return tmp_path / "in"


def test_each_stage_is_opened_from_what_the_one_before_it_left(folder: Path, tmp_path: Path) -> None:
    worked = WorkedStages(
        convert_spec(f"format: fhir, uri: {folder}", str(tmp_path / "out")), "workers.ehr.convert_fhir"
    )
    kinds = (ReadStage, SubjectsStage, SortStage, MetadataStage, MedsAccountStage)
    openers = (stages.read, stages.subjects, stages.sort, stages.metadata, stages.account)
    for kind, opener in zip(kinds, openers, strict=True):
        assert isinstance(opener(worked.work()), kind)
    assert worked.job.open_next(worked.store, worked.stages) is None


def reader(folder: Path, **settings: object) -> FhirReader:
    source = validate(FhirInput, {"format": "fhir", "uri": str(folder), **settings}, "input")
    return FhirReader(open_store(str(folder)), source, load_rules(FhirRules, None, RULES, StorageSettings()))


def chunk(folder: Path, name: str, start: int = 0, stop: int | None = None) -> tuple[Chunk, int]:
    (info,) = [info for info in open_store(str(folder)).list() if info.key == name]
    return Chunk(name, info.etag, None, 4, start, info.size if stop is None else stop), info.size


@pytest.mark.parametrize("name", ["a.ndjson", "b.ndjson.gz"])
def test_a_chunk_is_read_in_parts_of_bounded_size_that_hold_each_line_once(folder: Path, name: str) -> None:
    whole = list(reader(folder).parts(*chunk(folder, name)))
    assert [part.outcomes.height for part in whole] == [10]
    cut = list(reader(folder, chunk_bytes=3 * len(line(0))).parts(*chunk(folder, name)))
    assert [part.outcomes.height for part in cut] == [3, 3, 3, 1]
    codes = [code for part in cut for code in part.events["code"].to_list()]
    assert codes == whole[0].events["code"].to_list()
    assert whole[0].events["file"].unique().to_list() == [4]


def test_a_line_belongs_to_the_chunk_in_which_it_begins(folder: Path) -> None:
    size = len(line(0)) + 1
    heights = [
        sum(part.outcomes.height for part in reader(folder).parts(*chunk(folder, "a.ndjson", start, stop)))
        for start, stop in ((0, size + 1), (size + 1, 5 * size), (5 * size, 10 * size))
    ]
    assert heights == [2, 3, 5]


def test_a_file_that_is_gone_is_missing(folder: Path) -> None:
    planned = chunk(folder, "a.ndjson")
    (folder / "a.ndjson").unlink()
    with pytest.raises(ObjectMissing):
        list(reader(folder).parts(*planned))


def opened(folder: Path, **settings: object) -> MedsConversion:
    source = validate(FhirInput, {"format": "fhir", "uri": str(folder), **settings}, "input")
    return open_collection(source, StorageSettings(), Compute())


def test_the_rules_are_ours_or_those_of_a_file_and_decide_the_run(folder: Path, tmp_path: Path) -> None:
    ours = opened(folder).plan("read", [], {})
    (tmp_path / "rules.yaml").write_text("resources: {Condition: {subject: subject, events: []}}\n")
    assert ours.state["rules"] == load_rules(FhirRules, None, RULES, StorageSettings()).model_dump(mode="json")
    assert "subjects" in opened(folder).stages
    with pytest.raises(SpecError, match=r"rules"):
        opened(folder, rules=str(tmp_path / "no-rules.yaml"))


def test_files_are_listed_when_the_plan_is_asked_for_and_not_before(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    plan = opened(tmp_path / "empty").plan("read", [], {})
    with pytest.raises(SpecError, match="name the directory of a bulk export"):
        list(plan.batches())
