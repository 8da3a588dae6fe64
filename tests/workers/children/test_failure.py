"""Errors of ours cross a process boundary as themselves."""

from __future__ import annotations

import pytest

from schemas.errors import MissingExtraError, SpecError, WardroundError
from workers.children.failure import pack, unpack


@pytest.mark.parametrize("error", [SpecError("a"), MissingExtraError("pydicom", "images"), WardroundError("b")])
def test_an_error_comes_back_with_its_class_and_text(error: WardroundError) -> None:
    again = unpack(pack(error))
    assert type(again) is type(error)
    assert str(again) == str(error)


def test_an_error_of_an_unknown_class_keeps_its_text() -> None:
    class LocalError(WardroundError):
        pass

    again = unpack(pack(LocalError("what happened")))
    assert type(again) is WardroundError
    assert str(again) == "what happened"
