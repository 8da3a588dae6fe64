"""A body is known by its UID, wherever a file has it."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest

from cluster.storage.dicomweb.instances import LOOKED_AT, Instance, instance_at, is_instance, is_uid
from tests.support.dicom_files import PYDICOM_DATA

FILES = sorted((PYDICOM_DATA / "test_files").glob("*.dcm"))


@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_every_file_of_pydicom_is_known_by_the_uid_that_pydicom_reads(path: Path) -> None:
    body = path.read_bytes()
    header = pydicom.dcmread(path, force=True, stop_before_pixels=True)
    uid = header.get("SOPInstanceUID")
    if uid is None or not is_uid(str(uid)):
        pytest.skip("it has none")
    assert is_instance(body[:LOOKED_AT], str(uid))
    assert not is_instance(body[:LOOKED_AT], f"9{uid}")
    assert not is_instance(body[:LOOKED_AT], str(uid)[:-1])


@pytest.mark.parametrize(
    "body", [b"", b"DICM", bytes(132), bytes(128) + b"DICM", bytes(128) + b"DICM\x02\0\x03\0UI\xff\xff1.2"]
)
def test_what_is_cut_off_is_of_no_instance(body: bytes) -> None:
    assert not is_instance(body, "1.2.3")


def test_keys_are_resources_of_WADO() -> None:
    key = "studies/1.2/series/1.3/instances/1.4"
    assert instance_at(key) == Instance("1.2", "1.3", "1.4")
    assert Instance("1.2", "1.3", "1.4").key == key
    for wrong in (f"{key}/frames/1", "studies/1.2", f"/{key}", key.replace("1.3", "a"), f"{key}\n", f"{key}?a=b"):
        assert instance_at(wrong) is None
