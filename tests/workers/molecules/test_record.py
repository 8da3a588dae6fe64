from __future__ import annotations

import pytest

from schemas.status import Status
from workers.molecules.record import as_text, check_smiles, has_no_text, replaced


@pytest.mark.parametrize(
    ("given", "smiles", "fault"),
    [
        ("CCO", "CCO", None),
        (b"CCO", "CCO", None),
        (" CCO\t", "CCO", None),
        (None, None, Status.EMPTY),
        ("", None, Status.EMPTY),
        ("  ", None, Status.EMPTY),
        ("C" * 10, "C" * 10, None),
        ("C" * 11, None, Status.TOO_LARGE),
        (b"C" * 11, None, Status.TOO_LARGE),
        ("C\nC", None, Status.UNREADABLE),
        ("C\0", None, Status.UNREADABLE),
        (b"C\xff", None, Status.UNREADABLE),
    ],
)
def test_a_smiles_is_text_of_bounded_length_or_says_why_not(
    given: str | bytes | None, smiles: str | None, fault: Status | None
) -> None:
    found, status, detail = check_smiles(given, 10)
    assert (found, status) == (smiles, fault)
    assert bool(detail) == (fault is not None)


def test_what_is_wrong_is_said_without_the_smiles() -> None:
    assert "SECRET" not in check_smiles("SECRET" * 10, 10)[2]


def test_bytes_that_are_no_utf8_are_known_and_written_as_such() -> None:
    text = as_text(b"vendor \xff")
    assert has_no_text(text)
    assert replaced(text) == "vendor \ufffd"
    assert not has_no_text("größe")
    assert (replaced("größe"), replaced(None), replaced("plain")) == ("größe", None, "plain")
