"""Which files tables lie in, where one of them is damaged."""

from __future__ import annotations

import struct
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.storage import StorageSettings
from workers.ehr.convert_omop.files import table_files
from workers.ehr.convert_omop.settings import OmopInput


def _without_footer(whole: bytes) -> bytes:
    length = struct.unpack("<I", whole[-8:-4])[0]
    return whole[: -8 - length] + b"\xff" * length + whole[-8:]


@pytest.mark.parametrize("damage", [_without_footer, lambda whole: whole[:-20], lambda whole: b""])
def test_a_table_whose_footer_is_damaged_is_one_chunk_for_its_reader_to_tell(tmp_path: Path, damage) -> None:
    pq.write_table(pa.table({"person_id": [1, 2, 3]}), tmp_path / "person.parquet")
    path = tmp_path / "death.parquet"
    path.write_bytes(damage((tmp_path / "person.parquet").read_bytes()))
    source = OmopInput(format="omop", uri=str(tmp_path))

    found = {file.key: file for file in table_files(source, StorageSettings(), ())}

    assert found["death.parquet"].cuts == (0, max(1, path.stat().st_size))
    assert found["person.parquet"].cuts == (0, 1)
