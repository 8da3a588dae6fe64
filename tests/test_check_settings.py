"""`tests/check_settings.py`: every key of a spec is described, and the page of all keys is up to date."""

from __future__ import annotations

from pathlib import Path

from jobs.reference import reference
from tests.check_settings import PAGE, faults

ROOT = Path(__file__).resolve().parent.parent


def test_the_project_is_in_order() -> None:
    assert faults(ROOT) == []


def test_a_page_that_is_not_there_or_not_up_to_date_is_found(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path)
    assert "docs/settings.md is not what the settings say" in fault
    (tmp_path / "docs").mkdir()
    (tmp_path / PAGE).write_text(reference(print) + "more\n", encoding="utf-8")
    assert len(faults(tmp_path)) == 1


def test_the_readme_leads_to_the_page() -> None:
    assert "(docs/settings.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
