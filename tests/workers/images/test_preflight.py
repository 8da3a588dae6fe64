"""Headers and the check before a run, on whole files and through readers that count."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
import tifffile

from cluster.storage import ObjectChanged
from schemas.errors import InfrastructureError, RecordError
from schemas.status import Status
from tests.support.dicom_files import dataset, ramp, settings, shipped, stored, wrapped
from workers.images.decoding.headers import HeaderFacts, read_header
from workers.images.decoding.transfer_syntax import decoder_status, transfer_syntaxes
from workers.images.preflight import preflight


class Counting(io.BytesIO):
    """Counts the bytes that are read."""

    bytes_read = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.bytes_read += len(data)
        return data


def facts(data: bytes) -> HeaderFacts:
    return read_header(io.BytesIO(data), settings())


def big_cine() -> bytes:
    frames = np.zeros((40, 512, 512), np.uint8)
    return stored(dataset(frames, NumberOfFrames=40))


def test_a_large_object_is_known_by_its_beginning() -> None:
    reader = Counting(big_cine())
    found = read_header(reader, settings())
    assert (found.n_frames, found.rows, found.columns) == (40, 512, 512)
    assert reader.bytes_read <= 2 << 16


def test_pixels_behind_a_long_header_are_found() -> None:
    made = dataset(ramp(400, 400), EncapsulatedDocument=bytes(3 << 20))
    found = facts(stored(made))
    assert found.has_pixels
    assert found.rows == 400


def test_more_frames_than_the_object_can_hold_are_unreadable_before_anyone_plans_them() -> None:
    data = big_cine()
    at = data.index(b"\x28\x00\x08\x00IS") + 6
    lying = data[:at] + b"\x0a\x002147483647"[:2] + b"2147483647" + data[at + 4 :]
    with pytest.raises(RecordError) as caught:
        facts(lying)
    assert caught.value.status is Status.UNREADABLE


def test_every_raster_tells_its_size() -> None:
    picture = ramp(30, 40, "uint8", 255)
    stack = io.BytesIO()
    tifffile.imwrite(stack, np.stack([picture] * 3), photometric="minisblack")
    array, archive = io.BytesIO(), io.BytesIO()
    np.save(array, np.stack([picture] * 5))
    np.savez_compressed(archive, picture)
    cases = {
        "png": (cv2.imencode(".png", picture)[1].tobytes(), 1),
        "jpeg": (cv2.imencode(".jpg", picture)[1].tobytes(), 1),
        "tiff": (stack.getvalue(), 3),
        "npy": (array.getvalue(), 5),
        "npz": (archive.getvalue(), 1),
    }
    for kind, (data, frames) in cases.items():
        found = facts(data)
        assert (found.format, found.rows, found.columns, found.n_frames) == (kind, 30, 40, frames)


def test_the_check_before_a_run_counts_and_names_remedies() -> None:
    objects = [
        shipped("CT_small.dcm"),
        shipped("MR_small.dcm"),
        shipped("JPEG2000.dcm"),
        shipped("rtplan.dcm"),
        shipped("README.txt"),
        wrapped([b"\0" * 99], ramp(), "1.2.840.10008.1.2.4.102"),
        cv2.imencode(".png", ramp(dtype="uint8", top=255))[1].tobytes(),
    ]
    found = preflight([lambda data=data: io.BytesIO(data) for data in objects], settings())
    assert found.read == 7
    assert found.formats == {"dicom": 5, "png": 1}
    assert found.transfer_syntaxes == {
        "Explicit VR Little Endian": 2,
        "JPEG 2000": 1,
        "MPEG-4 AVC/H.264 High Profile / Level 4.1": 1,
    }
    assert list(found.undecodable) == ["MPEG-4 AVC/H.264 High Profile / Level 4.1"]
    assert found.unreadable == 1
    assert found.refused == {Status.UNREADABLE: 1, Status.NO_PIXELS: 1, Status.UNSUPPORTED: 1}


def test_objects_of_another_format_than_the_spec_names_are_told_by_theirs() -> None:
    png = cv2.imencode(".png", ramp(dtype="uint8", top=255))[1].tobytes()
    objects = [png, png, shipped("CT_small.dcm"), b"neither"]
    found = preflight([lambda data=data: io.BytesIO(data) for data in objects], settings(format="dicom"))
    assert found.refused == {Status.UNREADABLE: 3}
    assert found.others == {"png": 2}


def test_every_transfer_syntax_that_the_extras_promise_is_decodable() -> None:
    for uid in transfer_syntaxes():
        status = decoder_status(uid)
        assert status.available == bool(status.packages), status.name
        assert bool(status.remedy) != status.available


class Broken(io.BytesIO):
    """A storage that fails after its first bytes."""

    def __init__(self, data: bytes, error: Exception) -> None:
        super().__init__(data)
        self._error = error

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() or size is None or size < 0 or size > 1 << 16:
            raise self._error
        return super().read(size)


@pytest.mark.parametrize("error", [InfrastructureError("503"), ObjectChanged()])
def test_a_storage_that_fails_is_not_a_damaged_object(error: Exception) -> None:
    page = np.zeros((200, 300), np.uint16)
    tiff, npz = io.BytesIO(), io.BytesIO()
    tifffile.imwrite(tiff, np.stack([page, page]), photometric="minisblack")
    np.savez(npz, page)
    for body in (tiff.getvalue(), npz.getvalue()):
        with pytest.raises(type(error)):
            read_header(Broken(body, error), settings())
