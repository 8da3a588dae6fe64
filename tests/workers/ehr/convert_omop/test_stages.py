"""What a worker opens for a conversion from OMOP, and its reader of tables."""

from pathlib import Path

import polars as pl
import pytest

from cluster.storage import StorageSettings, open_store
from schemas.errors import SpecError
from schemas.loading import validate
from schemas.spec import Compute
from tests.support.meds import convert_spec
from tests.support.worked_stages import WorkedStages
from workers.ehr.convert_omop import stages
from workers.ehr.convert_omop.collection import RULES, open_collection
from workers.ehr.convert_omop.rules import OmopRules
from workers.ehr.convert_omop.scan_stage import RowScan
from workers.ehr.convert_omop.settings import OmopInput
from workers.ehr.convert_omop.stages import OmopReader
from workers.ehr.meds.account_stage import MedsAccountStage
from workers.ehr.meds.chunks import Chunk
from workers.ehr.meds.metadata_stage import MetadataStage
from workers.ehr.meds.read_stage import ReadStage
from workers.ehr.meds.rulefile import load_rules
from workers.ehr.meds.sort_stage import SortStage
from workers.ehr.meds.versioned import VersionedConversion
from workers.ehr.meds.versions_stage import SUPERSEDED, VersionsStage

PERSON = "person_id,gender_concept_id,year_of_birth\n7,8507,1950\n9,8532,1960\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two persons, and two concepts."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "person.csv").write_text(PERSON)
    header = "concept_id\tconcept_name\tvocabulary_id\tconcept_code\n"
    rows = "8507\tMALE\tGender\tM\n8532\tFEMALE\tGender\tF\n"
    (tmp_path / "in" / "CONCEPT.csv").write_text(header + rows)
    return tmp_path / "in"


def test_each_stage_is_opened_from_what_the_one_before_it_left(folder: Path, tmp_path: Path) -> None:
    worked = WorkedStages(
        convert_spec(f"format: omop, uri: {folder}", str(tmp_path / "out")), "workers.ehr.convert_omop"
    )
    kinds = (RowScan, VersionsStage, ReadStage, SortStage, MetadataStage, MedsAccountStage)
    openers = (stages.scan, stages.versions, stages.read, stages.sort, stages.metadata, stages.account)
    for kind, opener in zip(kinds, openers, strict=True):
        assert isinstance(opener(worked.work()), kind)
    assert worked.job.open_next(worked.store, worked.stages) is None


def reader(folder: Path) -> OmopReader:
    source = validate(OmopInput, {"format": "omop", "uri": str(folder)}, "input")
    concepts = [chunk(folder, "CONCEPT.csv", "concept")]
    return OmopReader(
        open_store(str(folder)),
        source,
        load_rules(OmopRules, None, RULES, StorageSettings()),
        concepts,
        lambda file: pl.DataFrame(schema=SUPERSEDED),
    )


def chunk(folder: Path, name: str, kind: str | None) -> tuple[Chunk, int]:
    (info,) = [info for info in open_store(str(folder)).list() if info.key == name]
    return Chunk(name, info.etag, kind, 1, 0, info.size), info.size


def test_rows_of_a_table_are_records_and_their_concepts_codes(folder: Path) -> None:
    parts = list(reader(folder).parts(*chunk(folder, "person.csv", "person")))
    assert sum(part.outcomes.height for part in parts) == 2
    events = {row for part in parts for row in part.events.select("subject", "code").iter_rows()}
    birth, codes = "MEDS_BIRTH", {7: "GENDER//Gender/M", 9: "GENDER//Gender/F"}
    assert events == {(person, code) for person in (7, 9) for code in (birth, codes[person])}


def test_concepts_and_files_of_no_table_are_records_of_nobody(folder: Path) -> None:
    found = reader(folder)
    assert list(found.parts(*chunk(folder, "CONCEPT.csv", "concept"))) == []
    assert list(found.parts(*chunk(folder, "person.csv", None))) == []


def test_concepts_are_the_first_shards_of_the_plan_whatever_their_name_sorts_to(folder: Path, tmp_path: Path) -> None:
    text = convert_spec(f"format: omop, uri: {folder}", str(tmp_path / "out"))
    context = WorkedStages(text, "workers.ehr.convert_omop").open()
    ((found, size),) = stages._concepts(context)
    assert (found.key, size) == ("CONCEPT.csv", (folder / "CONCEPT.csv").stat().st_size)


def opened(folder: Path, **settings: object) -> VersionedConversion:
    source = validate(OmopInput, {"format": "omop", "uri": str(folder), **settings}, "input")
    return open_collection(source, StorageSettings(), Compute())


def test_persons_have_numbers_so_that_no_stage_numbers_them(folder: Path) -> None:
    assert "subjects" not in opened(folder).stages
    assert opened(folder).plan("scan", [], {}).state["rules"] == load_rules(
        OmopRules, None, RULES, StorageSettings()
    ).model_dump(mode="json")


def test_a_folder_without_tables_is_told_when_the_plan_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    plan = opened(tmp_path / "empty").plan("scan", [], {})
    with pytest.raises(SpecError, match=r"nothing lies at input\.uri"):
        list(plan.batches())
    (tmp_path / "empty" / "readme.txt").write_text("about")
    with pytest.raises(SpecError, match=r"input\.uri has no table"):
        list(plan.batches())
