"""`wardround export note_nlp`: a row an entity in the columns of OMOP CDM 5.4, of a finished run only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.storage import StorageSettings, open_store
from jobs.export.exporting import export_run
from jobs.export.note_nlp import NoteNlpExport
from schemas.errors import FingerprintError, IncompleteError, UsageError
from tests.support.cli import Wardround
from tests.support.pipelines import rules_pipeline
from tests.support.runs import run

STANDARD = [
    "note_nlp_id",
    "note_id",
    "section_concept_id",
    "snippet",
    "offset",
    "lexical_variant",
    "note_nlp_concept_id",
    "note_nlp_source_concept_id",
    "nlp_system",
    "nlp_date",
    "nlp_datetime",
    "term_exists",
    "term_temporal",
    "term_modifiers",
]
TEXTS = [
    "Chief complaint: Cough, no fever.",
    "Nothing of note.",
    "Past medical history:\nAsthma\nFamily history: asthma",
    "   ",
    "Rule out asthma. " + "x" * 300 + " cough",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Finished runs over five notes: `full` with words and text, `kept` with the text alone, `bare` with neither."""
    folder = tmp_path_factory.mktemp("note_nlp")
    terms = [{"label": "PROBLEM", "pattern": [{"LOWER": word}]} for word in ("cough", "fever", "asthma")]
    rules_pipeline(folder / "model", terms)
    for ids, name in ((range(7, 12), "numbers"), ([f"n{i}" for i in range(5)], "names")):
        table = pa.table({"note_id": [str(value) for value in ids], "text": TEXTS})
        pq.write_table(table, folder / f"{name}.parquet")
    run(spec(folder, "full", "numbers", "keep_text: true", "{text: true}"))
    run(spec(folder, "kept", "numbers", "keep_text: true", "{}"))
    run(spec(folder, "bare", "numbers", "keep_text: false", "{}"))
    run(spec(folder, "names", "names", "keep_text: false", "{text: true}"))
    return folder


def spec(folder: Path, name: str, notes: str, more: str, step: str) -> str:
    return (
        f"{{job: predict, name: {name}, input: {{collection: notes, uri: {folder / notes}.parquet, {more}}}, "
        f"models: {{terms: {{uri: {folder / 'model'}}}}}, prepare: [{{language: {step}}}], "
        f"output: {{uri: {folder / name}}}, compute: {{pool: serial, shard_records: 2}}}}"
    )


def export(folder: Path, name: str, to: Path) -> Any:
    return export_run(NoteNlpExport(), open_store(str(folder / name)), str(to), StorageSettings())


def exported(to: Path) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(path) for path in sorted(to.glob("shard-*.parquet"))])


def test_there_is_a_row_an_entity_with_the_columns_of_the_standard(folder: Path, tmp_path: Path) -> None:
    made = export(folder, "full", tmp_path / "out")
    table = exported(tmp_path / "out")
    assert table.columns[: len(STANDARD)] == STANDARD
    assert (made.written.figures["notes"], made.written.figures["terms"], made.files) == (5, 6, 3)
    assert table["note_nlp_id"].to_list() == [1, 2, 3, 4, 5, 6]
    assert table["note_id"].to_list() == [7, 7, 9, 9, 11, 11]
    assert table["lexical_variant"].to_list() == ["Cough", "fever", "Asthma", "asthma", "asthma", "cough"]
    assert table["offset"].to_list()[:2] == ["17", "27"]
    assert table["term_exists"].to_list() == ["Y", "N", "Y", "N", "N", "Y"]
    assert table["term_temporal"].to_list() == ["present", "present", "past", "present", "present", "present"]
    assert table["term_modifiers"][1] == "Negation=true; Label=PROBLEM; Section=chief_complaint"
    assert table["term_modifiers"][3] == "Subject=family; Label=PROBLEM; Section=family_history"
    assert table["section"].to_list()[2:4] == ["past_medical_history", "family_history"]
    assert set(table["note_nlp_concept_id"]) == {0}


def test_offsets_words_and_snippets_are_of_the_note(folder: Path, tmp_path: Path) -> None:
    export(folder, "full", tmp_path / "out")
    texts = dict(zip(range(7, 12), TEXTS, strict=True))
    for row in exported(tmp_path / "out").iter_rows(named=True):
        assert texts[row["note_id"]][row["start"] : row["end"]] == row["lexical_variant"]
        assert row["lexical_variant"] in row["snippet"]
        assert len(row["snippet"]) <= 250


def test_the_words_come_from_the_kept_text_where_the_entities_have_none(folder: Path, tmp_path: Path) -> None:
    export(folder, "full", tmp_path / "a")
    export(folder, "kept", tmp_path / "b")
    same = [name for name in STANDARD if not name.startswith("nlp_")]
    assert exported(tmp_path / "a").select(same).equals(exported(tmp_path / "b").select(same))


def test_without_words_it_is_refused_and_says_how_to_have_them(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"language: \{text: true\}.*keep_text"):
        export(folder, "bare", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_record_ids_that_are_no_numbers_stay_text_and_snippets_need_the_text(folder: Path, tmp_path: Path) -> None:
    made = export(folder, "names", tmp_path / "out")
    table = exported(tmp_path / "out")
    assert table["note_id"].to_list()[:2] == ["n0", "n0"]
    assert not made.written.figures["snippets"]
    assert table["snippet"].null_count() == table.height


def test_the_same_export_again_changes_nothing_and_another_is_refused(folder: Path, tmp_path: Path) -> None:
    export(folder, "full", tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir() if path.is_file()}
    export(folder, "full", tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir() if path.is_file()} == before
    with pytest.raises(FingerprintError):
        export(folder, "kept", tmp_path / "out")


def test_a_run_without_a_manifest_is_not_exported(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_bytes((folder / "full" / "run.json").read_bytes())
    with pytest.raises(IncompleteError):
        export_run(NoteNlpExport(), open_store(str(tmp_path / "run")), str(tmp_path / "out"), StorageSettings())


def test_the_command_exports_and_says_what_it_wrote(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wardround = Wardround(capsys)
    said = wardround("export", "note_nlp", str(folder / "full"), "--to", str(tmp_path / "out"), "--json")
    assert json.loads(said.out)["terms"] == 6
    with pytest.raises(UsageError, match="did you mean 'entities'"):
        export_run(
            NoteNlpExport(column="entitis"), open_store(str(folder / "full")), str(tmp_path / "x"), StorageSettings()
        )
