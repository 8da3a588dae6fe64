"""Which files of an input hold notes, and in which format."""

import gzip
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cluster.storage import StorageSettings, open_store
from schemas.errors import SpecError
from tests.support.note_inputs import a_source
from workers.ehr.notes.files import Found, container_of, csv_columns, find_input, note_files

PLAIN = pl.DataFrame({"note_id": ["1"], "text": ["a"]})
OMOP = pl.DataFrame({"NOTE_ID": ["1"], "PERSON_ID": ["2"], "NOTE_TEXT": ["a"]})
RESOURCE = '{"resourceType": "DocumentReference"}\n'


def found(uri: Path, **settings: Any) -> Found:
    return find_input(a_source(uri, **settings), StorageSettings())


def files(folder: Path, kind: str, **settings: Any) -> list[str]:
    source = a_source(folder, **settings)
    at = Found(str(folder), None, kind)
    return [info.key for info in note_files(open_store(str(folder)), at, source)]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.parquet", "parquet"),
        ("deep/a.CSV", "csv"),
        ("a.tsv.gz", "csv"),
        ("a.ndjson", "ndjson"),
        ("a.jsonl.gz", "ndjson"),
        ("a.json", "json"),
        ("a.gz", None),
        ("csv", None),
    ],
)
def test_the_ending_of_a_name_says_what_a_file_is(name: str, kind: str | None) -> None:
    assert container_of(name) == kind


def test_a_file_is_told_by_its_columns_or_its_first_line(tmp_path: Path) -> None:
    PLAIN.write_csv(tmp_path / "a.csv")
    OMOP.write_csv(tmp_path / "b.csv")
    OMOP.write_parquet(tmp_path / "c.parquet")
    (tmp_path / "d.ndjson").write_text(RESOURCE)
    (tmp_path / "e.ndjson").write_text('{"note_id": 1}\n')
    (tmp_path / "f.ndjson").write_text("no json\n")
    (tmp_path / "g.ndjson.gz").write_bytes(gzip.compress(RESOURCE.encode()))
    formats = {path.name[0]: found(path).format for path in tmp_path.iterdir()}
    assert formats == {"a": "csv", "b": "omop", "c": "omop", "d": "fhir", "e": "ndjson", "f": "ndjson", "g": "fhir"}


def test_a_table_note_whose_text_is_named_is_a_table_like_others(tmp_path: Path) -> None:
    OMOP.write_csv(tmp_path / "b.csv")
    assert found(tmp_path / "b.csv", text="NOTE_TEXT").format == "csv"


def test_a_folder_is_what_its_first_file_is(tmp_path: Path) -> None:
    (tmp_path / "0-readme.txt").write_text("about")
    PLAIN.write_parquet(tmp_path / "1.parquet")
    assert found(tmp_path) == Found(str(tmp_path), None, "parquet")


def test_a_named_format_is_not_doubted_and_nothing_is_read(tmp_path: Path) -> None:
    assert found(tmp_path / "nothing-here.csv", format="fhir").format == "fhir"


def test_what_was_found_survives_the_way_to_a_worker() -> None:
    at = Found("s3://b/in", "note.csv", "omop")
    assert Found(**json.loads(json.dumps(asdict(at)))) == at
    assert (at.container("x.parquet"), at.container("x")) == ("parquet", "parquet")
    assert Found("r", None, "fhir").container("export") == "ndjson"


def test_an_input_without_notes_is_an_error_that_names_the_endings(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("about")
    with pytest.raises(SpecError, match=r"no file whose name says that it holds notes .*\.ndjson\.gz.*input\.format"):
        found(tmp_path)


def test_files_of_the_format_are_read_in_order_and_others_left(tmp_path: Path) -> None:
    for name in ("b.parquet", "a/c.parquet", "x.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        PLAIN.write_parquet(tmp_path / name)
    assert files(tmp_path, "parquet") == ["a/c.parquet", "b.parquet"]


def test_files_of_two_formats_are_an_error_unless_the_format_is_named(tmp_path: Path) -> None:
    PLAIN.write_parquet(tmp_path / "a.parquet")
    PLAIN.write_csv(tmp_path / "b.csv")
    with pytest.raises(SpecError, match=r"holds csv files beside parquet: name input.format or input.glob"):
        files(tmp_path, "parquet")
    assert files(tmp_path, "parquet", format="parquet") == ["a.parquet"]


def test_of_a_cdm_the_table_note_is_read_and_no_other_unless_a_glob_says_so(tmp_path: Path) -> None:
    for name in ("note.csv", "NOTE/part-0.csv", "note_nlp.csv", "person.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        OMOP.write_csv(tmp_path / name)
    assert files(tmp_path, "omop", format="omop") == ["NOTE/part-0.csv", "note.csv"]
    assert files(tmp_path, "omop", format="omop", glob="note_nlp.csv") == ["note_nlp.csv"]


def test_a_table_note_that_lies_there_twice_is_refused_with_the_remedy(tmp_path: Path) -> None:
    OMOP.write_csv(tmp_path / "note.csv")
    OMOP.write_parquet(tmp_path / "note.parquet")
    with pytest.raises(SpecError, match=r"as Parquet and as CSV: name one with input.glob"):
        files(tmp_path, "omop", format="omop")


def test_no_file_of_the_format_is_an_error(tmp_path: Path) -> None:
    PLAIN.write_csv(tmp_path / "b.csv")
    with pytest.raises(SpecError, match=r"no files of format ndjson: correct it, input.format or input.glob"):
        files(tmp_path, "ndjson", format="ndjson")


def test_one_named_file_of_another_kind_than_its_format_is_refused(tmp_path: Path) -> None:
    PLAIN.write_csv(tmp_path / "b.csv")
    source, store = a_source(tmp_path / "b.csv", format="fhir"), open_store(str(tmp_path))
    with pytest.raises(SpecError, match=r"input.format is fhir, and the name of the file says csv: correct one"):
        list(note_files(store, Found(str(tmp_path), "b.csv", "fhir"), source))
    assert [info.key for info in note_files(store, Found(str(tmp_path), "b.csv", "csv"), source)] == ["b.csv"]


def test_the_header_of_a_csv_file_is_its_columns(tmp_path: Path) -> None:
    (tmp_path / "b.tsv").write_text('id\t"the, text"\n1\tx\n')
    assert csv_columns(open_store(str(tmp_path)), "b.tsv", a_source(tmp_path)) == ("id", "the, text")


@pytest.mark.parametrize("given", [{}, {"format": "parquet"}])
def test_a_file_that_is_not_there_is_told_as_that(tmp_path: Path, given: dict[str, str]) -> None:
    with pytest.raises(SpecError, match=r"nothing lies at input\.uri"):
        files(tmp_path / "notess.csv", "parquet", **given)


def test_a_named_file_of_json_is_what_the_format_usually_is() -> None:
    assert Found("/x", "a.json", "ndjson").container("a.json") == "ndjson"
    assert Found("/x", "a.json", "fhir").container("a.json") == "json"
