"""A bundle in a zip that is more than it says, or less: a clear error, before a disk or a memory is full."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from schemas.errors import SpecError
from workers.images.volumes.formats.monai.files import INFERENCE, METADATA, Zipped, bundle_in
from workers.models.files import JSON_LIMIT

MODEL = "models/model.pt"


def packed(folder: Path, **sizes: int) -> Zipped:
    """A zip whose members are so many zeros."""
    names = {"metadata": METADATA, "inference": INFERENCE[0], "model": MODEL}
    with zipfile.ZipFile(folder / "bundle.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for key, name in names.items():
            with archive.open(name, "w", force_zip64=True) as file:
                for _ in range(sizes.get(key, 0) >> 20):
                    file.write(bytes(1 << 20))
    return Zipped(folder / "bundle.zip")


def test_a_config_that_would_be_larger_than_any_is_refused(tmp_path: Path) -> None:
    files = packed(tmp_path, inference=JSON_LIMIT + (1 << 20))
    assert (tmp_path / "bundle.zip").stat().st_size < JSON_LIMIT / 50
    with pytest.raises(SpecError, match=f"inference.json would have {JSON_LIMIT + (1 << 20)} bytes, more than"):
        files.text(INFERENCE[0])


def test_weights_that_no_network_has_are_refused_before_they_are_unpacked(tmp_path: Path) -> None:
    files = packed(tmp_path, model=200 << 20)
    words = rf"model\.pt would have {200 << 20} bytes out of .* can be packed like that"
    with pytest.raises(SpecError, match=words), files.local(MODEL):
        pytest.fail("it was unpacked")


def test_a_member_that_is_more_than_it_says_is_cut_off_and_refused(tmp_path: Path) -> None:
    files = packed(tmp_path, model=8 << 20)
    body = bytearray(files.path.read_bytes())
    at = body.rindex(MODEL.encode()) - 46
    assert struct.unpack_from("<I", body, at + 24)[0] == 8 << 20
    struct.pack_into("<I", body, at + 24, 100)
    files.path.write_bytes(body)
    with pytest.raises(SpecError, match=r"model\.pt cannot be read"), Zipped(files.path).local(MODEL):
        pytest.fail("it was taken for whole")


@pytest.mark.parametrize("cut", [0.3, 0.99])
def test_a_zip_that_is_cut_off_is_no_bundle(tmp_path: Path, cut: float) -> None:
    path = packed(tmp_path, inference=1 << 20).path
    body = path.read_bytes()
    path.write_bytes(body[: int(len(body) * cut)])
    assert bundle_in(tmp_path) is None
