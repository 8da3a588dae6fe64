from __future__ import annotations

from cluster.storage.errors import ObjectError, ObjectMissing, ObjectTooLarge, TransientError
from schemas.errors import InfrastructureError, WardroundError


def test_a_missing_object_reads_as_a_sentence_though_it_is_a_key_error() -> None:
    error = ObjectMissing()
    assert isinstance(error, KeyError)
    assert str(error) == "no such object"


def test_what_a_store_says_of_one_object_ends_no_run_by_itself() -> None:
    assert not issubclass(ObjectError, WardroundError)
    assert issubclass(TransientError, InfrastructureError)


def test_an_object_that_is_too_large_says_both_numbers() -> None:
    assert str(ObjectTooLarge(11, 10)) == "11 bytes are more than the 10 allowed"
