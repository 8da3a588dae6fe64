"""Frames as side objects: stamped, read back whole, and the same bytes each time."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from cluster.storage import open_store
from workers.pipeline.frames import encode_frame, read_frame


def test_a_frame_comes_back_from_its_bytes_which_say_whose_it_is(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": [1, None, 3], "b": ["x", "y", None]})
    body = encode_frame(frame, "f" * 8, row_group=2, dictionary=["b"])
    assert body == encode_frame(frame.clone(), "f" * 8, row_group=2, dictionary=["b"])
    (tmp_path / "side.parquet").write_bytes(body)
    assert read_frame(open_store(str(tmp_path)), "side.parquet").equals(frame)
    footer = pq.read_metadata(tmp_path / "side.parquet")
    assert footer.metadata[b"wardround.fingerprint"] == b"f" * 8
    assert footer.num_row_groups == 2
