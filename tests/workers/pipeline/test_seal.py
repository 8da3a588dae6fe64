"""The digest that a shard object carries of itself."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from workers.pipeline.rowtable import RowLayout, encode
from workers.pipeline.seal import intact_sha256


def body() -> bytes:
    layout = RowLayout((), (), ())
    table = pa.table(
        [["a", "b"], ["s", "s"], pa.array(["ok", "ok"]).cast(layout.schema.field("status").type), [None, "d"]],
        schema=layout.schema,
    )
    return encode(table, layout, table["record_id"], {"fingerprint": "f" * 64})


def test_what_was_written_is_intact_and_its_digest_is_that_of_all_bytes(tmp_path: Path) -> None:
    (tmp_path / "shard.parquet").write_bytes(body())
    digest = intact_sha256(io.FileIO(tmp_path / "shard.parquet"))
    assert digest == hashlib.sha256(body()).hexdigest()
    assert pq.read_table(tmp_path / "shard.parquet")["record_id"].to_pylist() == ["a", "b"]


def test_any_flipped_bit_is_found() -> None:
    whole = body()
    for place in range(len(whole)):
        broken = bytearray(whole)
        broken[place] ^= 1 << place % 8
        assert intact_sha256(io.BytesIO(broken)) is None, place


def test_what_is_cut_short_has_grown_or_is_no_parquet_is_not_intact() -> None:
    whole = body()
    for other in (b"", b"PAR1", whole[:-1], whole[1:], whole + b"x", whole[: len(whole) // 2]):
        assert intact_sha256(io.BytesIO(other)) is None
