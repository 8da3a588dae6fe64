"""Frames are counted by headers alone: each record once, in order, with its number or its status."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from cluster.storage import StorageSettings, open_store
from schemas.status import Status
from tests.support.dicom_files import dataset, settings, stored
from workers.images.fetching import ObjectFetcher
from workers.images.header_reader import HeaderReader
from workers.pipeline.reading import Prepared


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[HeaderReader]:
    reader = HeaderReader(
        ObjectFetcher([str(tmp_path)], StorageSettings(), 1 << 30, 2, confine=True), settings(), threads=3
    )
    yield reader
    reader.close()


def records(folder: Path, *names: str) -> pa.Table:
    """Planned records of these files, as they are now."""
    listed = {info.key: info for info in open_store(str(folder)).list()}
    etags = [listed[name].etag if name in listed else None for name in names]
    numbers = pa.nulls(len(names), pa.int64())
    uris = [name if name.startswith("/") else f"{folder}/{name}" for name in names]
    return pa.table({"record_id": names, "uri": uris, "member": numbers, "size": numbers, "etag": etags})


def read(reader: HeaderReader, table: pa.Table) -> list[Prepared]:
    return [one for part in reader.read(table) for one in part]


def cine(folder: Path, name: str, frames: int) -> None:
    attributes = {"NumberOfFrames": frames} if frames > 1 else {}
    pixels = np.zeros((frames, 4, 5) if frames > 1 else (4, 5), np.uint8)
    (folder / name).write_bytes(stored(dataset(pixels, **attributes)))


def test_each_record_has_the_number_of_its_frames_in_order(reader: HeaderReader, tmp_path: Path) -> None:
    names = [f"{number:03}" for number in range(70)]
    for number, name in enumerate(names):
        cine(tmp_path, name, 1 + number % 3)
    found = read(reader, records(tmp_path, *names))
    assert [one.row for one in found] == list(range(70))
    assert [dict(one.columns) for one in found] == [{"n_frames": 1 + number % 3} for number in range(70)]
    assert reader.prepare_seconds > 0


def test_what_has_no_frames_to_count_has_its_status_and_no_number(reader: HeaderReader, tmp_path: Path) -> None:
    cine(tmp_path, "good", 2)
    cine(tmp_path, "changed", 1)
    (tmp_path / "letter").write_text("no image")
    table = records(tmp_path, "good", "gone", "letter", "changed", f"{tmp_path.parent}/elsewhere")
    cine(tmp_path, "changed", 3)
    good, gone, letter, changed, elsewhere = read(reader, table)
    assert (good.status, dict(good.columns)) == (None, {"n_frames": 2})
    assert (gone.status, gone.detail) == (Status.MISSING, "no object at its uri")
    assert letter.status == Status.UNREADABLE
    assert (changed.status, dict(changed.columns)) == (Status.INPUT_CHANGED, {})
    assert (elsewhere.status, elsewhere.detail) == (Status.UNSUPPORTED, "lies outside input.roots")


def test_no_record_is_no_part(reader: HeaderReader, tmp_path: Path) -> None:
    assert read(reader, records(tmp_path)) == []
