"""What the pixels of a slice are, as a digest: for slices that lie where another does and that nothing tells apart."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import IO, cast

from pydicom import Dataset

from cluster.storage import ErrorLatchingReader
from schemas.errors import RecordError
from schemas.status import Fault
from workers.images.decoding.dicom_file import DicomFile, Pixels, read_dicom, transfer_syntax_of
from workers.images.decoding.dicom_headers import prefix
from workers.images.decoding.encapsulated import frames_of as frames_of_fragments
from workers.images.decoding.encapsulated import read_fragments
from workers.images.decoding.fence import as_record_error
from workers.images.decoding.headers import open_image
from workers.images.decoding.native import native_frame
from workers.images.decoding.pixel_module import PixelModule, read_pixel_module
from workers.images.decoding.transfer_syntax import EXPLICIT_BIG, NATIVE
from workers.images.series.attributes import value
from workers.images.series.facts import SliceFacts
from workers.images.series.frames import frames_of
from workers.images.settings import ImagesInput

_MEANING = (
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PhotometricInterpretation",
    "RescaleSlope",
    "RescaleIntercept",
)
"""What the same bytes may mean another thing by."""
_NATIVE = "native"


def with_digests(reader: IO[bytes], settings: ImagesInput, facts: Sequence[SliceFacts]) -> list[SliceFacts]:
    """The facts of one object's slices with the digest of their pixels; the whole object is read.

    `plan_volumes.keys_to_compare` says for which objects this is worth it. Two slices have one digest if their stored
    values are the same, of compressed ones the bytes in the same transfer syntax, and mean the same. An object that
    turns out to be unreadable has that as its `fault`. Raises InfrastructureError or ObjectError where the reader did.
    """
    watched = ErrorLatchingReader(reader)
    try:
        digests = _digests(cast(IO[bytes], watched), settings, {one.frame for one in facts})
    except RecordError as error:
        return [replace(one, fault=one.fault or Fault(error.status, error.detail)) for one in facts]
    finally:
        watched.raise_failure()
    return [replace(one, digest=_with_corner(digests[one.frame], one.corner)) for one in facts]


def _with_corner(digest: str, corner: tuple[int, int] | None) -> str:
    return digest if corner is None else f"{digest}@{corner[0]},{corner[1]}"


def _digests(reader: IO[bytes], settings: ImagesInput, wanted: Iterable[int]) -> dict[int, str]:
    reader, size, _ = open_image(reader, settings)
    parsed = read_dicom(prefix(reader, size), settings.max_inflated)
    pixels = parsed.pixels()
    module = read_pixel_module(parsed.dataset, pixels.keyword)
    with as_record_error("its frames cannot be told apart"):
        frames = list(frames_of(parsed.dataset, module.frames))
        return {index: _digest(_bytes(parsed, pixels, module, index), parsed, frames[index]) for index in wanted}


def _digest(stored: bytes | memoryview, parsed: DicomFile, frame: Dataset) -> str:
    syntax = transfer_syntax_of(parsed)
    found = hashlib.sha256((_NATIVE if syntax in NATIVE else syntax).encode())
    for keyword in _MEANING:
        found.update(f"{keyword}={value(frame, keyword)}\n".encode())
    found.update(stored)
    return found.hexdigest()


def _bytes(parsed: DicomFile, pixels: Pixels, module: PixelModule, index: int) -> bytes | memoryview:
    """The stored bytes of a frame, of native ones the values, which have one order of bytes in memory; of single bits,
    where frames need not end with a byte, the whole object."""
    if pixels.is_encapsulated:
        fragments = read_fragments(pixels.data)
        return fragments.joined(frames_of_fragments(fragments, module.frames, ())[index])
    if module.frame_bits % 8:
        return pixels.data
    little, words = transfer_syntax_of(parsed) != EXPLICIT_BIG, pixels.vr == "OW"
    return native_frame(pixels.data, module, index, little=little, words=words).tobytes()
