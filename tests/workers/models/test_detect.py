"""The first format that recognises a directory has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import PluginError, SpecError
from tests.support import counting_notes
from workers import registry
from workers.models.detect import Formats, describe, refuse_unknown
from workers.text_models.contract import TextFormat


def test_a_directory_is_described_by_the_first_format_that_recognises_it(tmp_path, monkeypatch):
    formats = {"counting": counting_notes.__name__, **registry.FORMATS["notes"]}
    monkeypatch.setitem(registry.FORMATS, "notes", formats)
    directory = counting_notes.write_model(tmp_path / "model")
    name, card = describe(directory, "notes")
    assert (name, card.format) == ("counting", "counting")
    assert Formats[TextFormat]("notes")[name] is counting_notes.FORMAT


def test_what_no_format_recognises_is_answered_with_what_each_looks_for(tmp_path):
    with pytest.raises(SpecError, match=r"for molecules\. Looked for: .*'properties'.*'fingerprint'.*modules\.json"):
        describe(tmp_path, "molecules")


def test_what_is_no_directory_is_refused(tmp_path):
    with pytest.raises(SpecError, match="is not a model directory"):
        describe(tmp_path / "none", "notes")


def test_a_module_without_a_format_is_named(monkeypatch):
    monkeypatch.setitem(registry.FORMATS, "notes", {"empty": "workers.ehr.notes"})
    with pytest.raises(PluginError, match=r"'empty': module workers\.ehr\.notes has no FORMAT"):
        Formats[TextFormat]("notes")["empty"]


def test_a_folder_of_something_else_is_refused_before_it_is_copied(tmp_path: Path) -> None:
    (tmp_path / "holiday.mp4").write_bytes(b"film")
    with pytest.raises(SpecError, match="holds no model of a known format"):
        refuse_unknown(tmp_path, "images")


def test_an_empty_folder_and_one_that_cannot_be_read_are_left_to_who_copies(tmp_path: Path) -> None:
    refuse_unknown(tmp_path, "images")
    refuse_unknown(tmp_path / "nowhere", "images")
