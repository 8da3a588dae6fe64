from __future__ import annotations

import logging
import warnings

import pytest

from schemas.errors import MissingExtraError, RecordError
from schemas.status import Status
from workers.images.decoding.fence import as_record_error, silence


def test_what_a_parser_quotes_of_a_record_is_in_no_message_and_no_cause() -> None:
    with pytest.raises(RecordError) as caught, as_record_error("not readable", Status.UNSUPPORTED):
        raise ValueError("PatientName: Smith")
    assert caught.value.status == Status.UNSUPPORTED
    assert "Smith" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(("package", "kind"), [("imagecodecs", MissingExtraError), ("olefile", RecordError)])
def test_a_decoder_that_is_not_installed_is_no_fault_of_the_record(package: str, kind: type[Exception]) -> None:
    with pytest.raises(kind), as_record_error("not readable"):
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)


def test_an_error_that_already_has_a_status_keeps_it() -> None:
    inner = RecordError(Status.NO_PIXELS, "no image")
    with pytest.raises(RecordError) as caught, as_record_error("not readable"):
        raise inner
    assert caught.value is inner


@pytest.mark.parametrize(("error", "status"), [(RecursionError, Status.UNREADABLE), (MemoryError, Status.TOO_LARGE)])
def test_exhaustion_is_told_from_damage(error: type[Exception], status: Status) -> None:
    with pytest.raises(RecordError) as caught, as_record_error("not readable"):
        raise error
    assert caught.value.status == status
    assert "not readable" not in str(caught.value)


def test_a_request_to_stop_passes_through() -> None:
    with pytest.raises(KeyboardInterrupt), as_record_error("not readable"):
        raise KeyboardInterrupt


def test_a_silenced_package_writes_nothing_to_the_root_logger(caplog: pytest.LogCaptureFixture) -> None:
    with warnings.catch_warnings():
        silence("a_noisy_parser")
    logging.getLogger("a_noisy_parser.part").error("PatientName: Smith")
    assert not caplog.records


def test_what_ends_the_process_is_passed_on() -> None:
    with pytest.raises(KeyboardInterrupt), as_record_error("not readable"):
        raise KeyboardInterrupt
