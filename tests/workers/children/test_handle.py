from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from schemas.errors import MissingExtraError, RecordError, WardroundError
from schemas.status import Status
from workers.children.contract import Request
from workers.children.handle import build_handler, handle

REQUEST = Request(b"record", {"key": "x"})


def raising(error: BaseException) -> Any:
    def handler(data: memoryview, context: Mapping[str, Any]) -> Any:
        raise error

    return handler


def test_a_package_that_a_handler_misses_is_named_with_its_extra() -> None:
    with pytest.raises(MissingExtraError, match=r"'gdcm'.*wardround\[images\]"):
        handle(raising(ModuleNotFoundError("No module named 'gdcm'", name="gdcm")), REQUEST)


def test_a_handler_gets_the_bytes_and_the_context() -> None:
    def handler(data: memoryview, context: Mapping[str, Any]) -> Any:
        return [np.frombuffer(data, np.uint8)], dict(context)

    result = handle(handler, REQUEST)
    assert bytes(result.arrays[0]) == b"record"
    assert result.meta == {"key": "x"}
    assert result.seconds >= 0


def test_a_record_s_own_failure_is_its_result() -> None:
    result = handle(raising(RecordError(Status.NO_PIXELS, "no image")), REQUEST)
    assert (result.status, result.detail) == (Status.NO_PIXELS, "no image")


@pytest.mark.parametrize("error", [MemoryError(), WardroundError("ours")])
def test_what_is_not_the_record_s_fault_passes_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        handle(raising(error), REQUEST)
    assert caught.value is error


def test_a_bug_of_a_decoder_is_told_by_type_and_place_and_never_quotes_the_record() -> None:
    with pytest.raises(WardroundError) as caught:
        handle(raising(ValueError("PatientName: Smith")), REQUEST)
    said = str(caught.value)
    assert said.startswith(f"decoding or a prepare step has a bug: ValueError in {__name__} line ")
    assert "Smith" not in said
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("entry", ["json", ""])
def test_an_entry_that_names_no_function_says_how_to_write_one(entry: str) -> None:
    with pytest.raises(WardroundError, match="must read 'module:function'"):
        build_handler(entry, {})
