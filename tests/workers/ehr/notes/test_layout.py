from __future__ import annotations

from typing import Any

import pytest

from schemas.errors import RecordError, SpecError
from schemas.status import Status
from workers.ehr.notes.layout import TableDialect, layout_of
from workers.ehr.notes.settings import NotesInput


def source(**settings: Any) -> NotesInput:
    return NotesInput.model_validate({"collection": "notes", "uri": "/x", **settings})


def test_only_the_id_and_the_text_have_to_be_there() -> None:
    layout = layout_of(source(), is_omop=False, columns=["text", "note_id"])
    assert (layout.record_id, layout.text, layout.subject_id, layout.times, layout.type) == (
        "note_id",
        "text",
        None,
        (),
        None,
    )
    assert layout.reading == ["text"]


def test_omop_columns_are_found_in_any_case_and_a_date_stands_in_for_a_time() -> None:
    columns = ["NOTE_ID", "PERSON_ID", "NOTE_DATE", "NOTE_DATETIME", "NOTE_TEXT"]
    layout = layout_of(source(), is_omop=True, columns=columns)
    assert (layout.record_id, layout.subject_id, layout.text) == ("NOTE_ID", "PERSON_ID", "NOTE_TEXT")
    assert layout.times == ("NOTE_DATETIME", "NOTE_DATE")
    named = layout_of(source(time="NOTE_DATE"), is_omop=True, columns=columns)
    assert named.times == ("NOTE_DATE",)


def test_a_name_of_the_spec_is_taken_as_it_is_written() -> None:
    with pytest.raises(SpecError, match="no column 'Note_Text'"):
        layout_of(source(text="Note_Text"), is_omop=True, columns=["note_id", "note_text"])


@pytest.mark.parametrize("part", ["record_id", "text", "time", "type", "subject_id"])
def test_a_named_column_that_is_not_there_is_told_with_what_is(part: str) -> None:
    with pytest.raises(SpecError, match=rf"no column 'gone'.*input\.{part} names it. It has note_id, text"):
        layout_of(source(**{part: "gone"}), is_omop=False, columns=["note_id", "text"])


def test_a_carried_column_has_to_be_there_and_its_neighbour_is_offered() -> None:
    with pytest.raises(
        SpecError, match=r"no column 'wrad', did you mean 'ward'\? input\.carry names it\. It has note_id, text, ward"
    ):
        layout_of(source(carry=["wrad"]), is_omop=False, columns=["note_id", "text", "ward"])


def test_of_ndjson_any_key_may_come() -> None:
    layout = layout_of(source(text="body"), is_omop=False, columns=None)
    assert (layout.text, layout.times, layout.type) == ("body", ("note_time",), "note_type")


def dialect(**settings: Any) -> TableDialect:
    made = source(**settings)
    return TableDialect(made, layout_of(made, is_omop=False, columns=None))


def test_ids_are_text_whatever_json_has_and_an_empty_one_names_nothing() -> None:
    found = dialect(carry=["ward"]).identify({"note_id": 7, "subject_id": "", "ward": ""})
    assert (found.record_id, found.subject_id, found.carried) == ("7", None, ("",))


def test_an_id_with_half_a_character_is_unreadable() -> None:
    with pytest.raises(RecordError) as caught:
        dialect().identify({"note_id": "a\ud800"})
    assert caught.value.status == Status.UNREADABLE


@pytest.mark.parametrize("text", [True, 5, 1.5, [], {}])
def test_a_text_that_is_none_is_unreadable(text: Any) -> None:
    with pytest.raises(RecordError, match="its text is not text"):
        dialect().note({"text": text})


def test_a_time_that_cannot_be_read_leaves_the_text() -> None:
    found = dialect().note({"text": "x", "note_time": "soon", "note_type": ["a"]})
    assert (found.text, found.time, found.type, found.status) == ("x", None, '["a"]', None)
    assert "note_time is null" in found.detail
