from pathlib import Path

import pytest

from tests.check_names import missing


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("from schemas.errors import SpecError", 0),
        ("from workers import registry", 0),
        ("from schemas.errors import SpecErorr", 1),
        ("from schemas.erors import SpecError, UsageError", 2),
        ("from numpy import nothing_of_the_kind", 0),
    ],
)
def test_an_import_of_ours_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, found: int
) -> None:
    monkeypatch.chdir(Path(__file__).resolve().parent.parent)
    test = tmp_path / "test_x.py"
    test.write_text(f"def f():\n    {line}\n")
    assert len(list(missing(test))) == found
