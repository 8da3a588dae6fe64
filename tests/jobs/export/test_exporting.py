"""Formats of export: found by their names, and declared on the command line as their fields are."""

from __future__ import annotations

import pytest

from jobs.export import EXPORTS
from jobs.export.exporting import exports
from tests.support.cli import Wardround


def test_every_line_of_the_table_is_a_format_of_its_own() -> None:
    assert sorted(exports()) == ["masks", "meds", "note_nlp", "sscore", "vcf"]
    assert len(exports()) == len(EXPORTS)


@pytest.mark.parametrize("name", ["masks", "meds", "note_nlp", "sscore", "vcf"])
def test_every_option_is_on_the_command_line_with_its_meaning(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        Wardround(capsys)("export", name, "--help")
    shown = " ".join(capsys.readouterr().out.split())
    for option, field in exports()[name].model_fields.items():
        assert f"--{option} {option.upper()}" in shown
        assert str(field.description) in shown
