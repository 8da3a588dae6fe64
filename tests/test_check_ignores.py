"""The check of silenced type errors finds those without a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.check_ignores import faults

PRAGMA = "# type: " + "ignore"


@pytest.mark.parametrize(
    ("file", "comment", "says"),
    [
        ("jobs/a.py", "[misc]", "says not why"),
        ("jobs/a.py", "", "says not which error"),
        ("jobs/a.py", "[misc]  # noqa: PLC0415", "says not why"),
        ("tests/a.py", "[misc]  # a reason", "mypy reads no tests"),
    ],
)
def test_one_without_a_reason_is_named_with_its_line(file: str, comment: str, says: str) -> None:
    (found,) = faults(Path(file), f"x = 1\ny = 2  {PRAGMA}{comment}\n")
    assert found.startswith(f"{file}:2: {says}")


@pytest.mark.parametrize("comment", ["[misc]  # the stubs lack it", "[misc]  # noqa: PLC0415 - compiled; as above"])
def test_one_with_its_reason_is_right(comment: str) -> None:
    assert list(faults(Path("jobs/a.py"), f"y = 2  {PRAGMA}{comment}\n")) == []


def test_what_only_looks_like_one_is_none() -> None:
    assert list(faults(Path("jobs/a.py"), f'text = "{PRAGMA}"\n')) == []
