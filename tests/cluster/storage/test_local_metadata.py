from __future__ import annotations

import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.storage import open_store
from cluster.storage.local_metadata import content_metadata
from cluster.storage.range_reader import RangeReader


def reader(body: bytes) -> RangeReader:
    return RangeReader(lambda start, length: body[start : start + length], len(body))


def parquet(**metadata: str) -> bytes:
    sink = io.BytesIO()
    table = pa.table({"a": [1]}).replace_schema_metadata({name.replace("_", "."): v for name, v in metadata.items()})
    pq.write_table(table, sink)
    return sink.getvalue()


def test_of_a_parquet_file_only_our_own_entries_count() -> None:
    body = parquet(wardround_fingerprint="abc", pandas="{}")
    assert content_metadata("x.parquet", reader(body)) == {"fingerprint": "abc"}


def test_of_json_the_texts_at_the_top_count() -> None:
    body = json.dumps({"fingerprint": "abc", "rows": 5, "inner": {"name": "x"}, "none": None}).encode()
    assert content_metadata("manifest.json", reader(body)) == {"fingerprint": "abc"}


def test_the_name_tells_what_it_is() -> None:
    assert content_metadata("x.bin", reader(parquet(wardround_fingerprint="abc"))) == {}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"a"', b"\xff\xfe", b"[" * 100_000, b'{"a": ' * 100_000])
def test_json_that_is_damaged_or_no_object_has_none(body: bytes) -> None:
    assert content_metadata("x.json", reader(body)) == {}


@pytest.mark.parametrize("cut", [0, 3, 40])
def test_parquet_that_is_cut_off_has_none(cut: int) -> None:
    assert content_metadata("x.parquet", reader(parquet(wardround_fingerprint="abc")[:cut])) == {}


def test_a_head_of_the_local_store_has_it(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"fingerprint": "abc"}')
    head = open_store(str(tmp_path)).head("run.json")
    assert head is not None
    assert head.metadata == {"fingerprint": "abc"}
