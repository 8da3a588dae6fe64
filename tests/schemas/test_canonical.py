from __future__ import annotations

import hashlib

import pytest

from schemas.canonical import canonical_json, digest


def test_equal_values_have_one_text_whatever_the_order_of_their_keys() -> None:
    assert canonical_json({"b": [1, 2.5, None], "a": {"d": "ä", "c": True}}) == (
        '{"a":{"c":true,"d":"ä"},"b":[1,2.5,null]}'
    )
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})


def test_lists_keep_their_order_and_types_stay_apart() -> None:
    assert len({digest(value) for value in ([1, 2], [2, 1], ["1", "2"], [1.0, 2.0], [True, 2])}) == 5


def test_the_digest_is_sha256_of_the_text_in_utf_8() -> None:
    assert digest("ä") == hashlib.sha256(b'"\xc3\xa4"').hexdigest()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_does_not_have_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        digest([value])
