"""Names of shard objects, and the documents of a run directory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import VerificationError
from schemas.run import Manifest, RunFile, shard_key, shard_of


@given(st.integers(0, 10**7))
def test_a_shard_key_names_its_shard_and_nothing_else(shard: int) -> None:
    assert shard_of(shard_key("predictions", shard), "predictions") == shard


@pytest.mark.parametrize(
    "key",
    ["predictions/shard-1.parquet", "predictions/x/shard-000001.parquet", "predictions/.tmp-1", "shard-00000x.parquet"],
)
def test_what_is_no_shard_object_has_no_shard(key: str) -> None:
    assert shard_of(key, "predictions") is None


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"format_version": 1}', b"\xff", b"[" * 99_999])
def test_a_damaged_document_is_a_verification_error(body: bytes) -> None:
    with pytest.raises(VerificationError, match=r"manifest\.json is damaged.*move it away and run the same command"):
        Manifest.decode(body, "manifest.json")
    with pytest.raises(VerificationError, match=r"run\.json is damaged.*restore it, or choose another output"):
        RunFile.decode(body, "run.json")


def test_a_document_of_another_format_version_is_refused_by_number() -> None:
    with pytest.raises(VerificationError, match="format version 9"):
        Manifest.decode(b'{"format_version": 9}', "manifest.json")
