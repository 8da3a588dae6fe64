"""npy and npz files: arrays as they are, never a pickle."""

import math
import zipfile
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Array
from workers.images.decoding.bounds import check_pixels, wanted_frames
from workers.images.decoding.fence import as_record_error
from workers.images.prepare.image import Image
from workers.images.settings import ImagesInput

Buffer = bytes | memoryview

HEADER_BYTES = 1 << 14
_MOST_CHANNELS = 4
_PREFERRED = ("image.npy", "arr_0.npy")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGED = "it is not readable as a numpy file"
_ENCRYPTED = 0x1
_EXACT_IN_FLOAT64 = 2**53


@dataclass(frozen=True)
class NpyHeader:
    """What stands before the values of an npy file. `values_at` is the byte where they start."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    values_at: int

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """(rows, columns) or (rows, columns, channels).

        Two axes are one grey frame. Three are rows, columns, channels if the last is at most 4, else frames of grey.
        Four are frames, rows, columns, channels.
        """
        if len(self.shape) == 2 or (len(self.shape) == 3 and self.shape[2] <= _MOST_CHANNELS):
            return self.shape
        return self.shape[1:]

    @property
    def has_frame_axis(self) -> bool:
        """Whether the first axis counts frames."""
        return len(self.frame_shape) < len(self.shape)

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return self.shape[0] if self.has_frame_axis else 1


def decode_npy(data: Buffer, settings: ImagesInput, frame: int | None) -> tuple[list[Image], int]:
    """The wanted frames of an npy file, and how many there are.

    Raises RecordError: unreadable, unsupported, too_large, input_changed.
    """
    header = read_npy_header(BytesIO(data[:HEADER_BYTES]))
    wanted = wanted_frames(header.frames, settings, frame)
    _check_size(header, len(wanted), settings)
    values = memoryview(data)[header.values_at :]
    count = math.prod(header.shape)
    if len(values) < count * header.dtype.itemsize:
        raise RecordError(Status.UNREADABLE, "it holds fewer values than its header says")
    array = np.frombuffer(values, header.dtype, count).reshape(header.shape, order="F" if header.fortran else "C")
    return [_image(array[index] if header.has_frame_axis else array) for index in wanted], header.frames


def inflated_npz(data: Buffer, settings: ImagesInput) -> bytes:
    """The npy file of the only array of an npz file, or of its array `image`, or `arr_0`.

    Raises RecordError: unreadable, unsupported, too_large.
    """
    with as_record_error(_DAMAGED), zipfile.ZipFile(BytesIO(data)) as archive:
        member = npz_member(archive)
        if member.file_size > settings.max_inflated:
            raise RecordError(Status.TOO_LARGE, f"it inflates to more than {settings.max_inflated} bytes")
        # The header alone first: the size that it claims is refused before the member is inflated.
        with archive.open(member) as stream:
            header = read_npy_header(stream)
        _check_size(header, header.frames if settings.frame == "all" else 1, settings)
        return archive.read(member)


def read_npy_header(stream: IO[bytes]) -> NpyHeader:
    """The header at the start of a stream. Raises RecordError: unreadable, unsupported."""
    with as_record_error(_DAMAGED):
        version = npy.read_magic(stream)
        if version not in ((1, 0), (2, 0)):
            raise RecordError(Status.UNSUPPORTED, "an npy file of a version other than 1 or 2")
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = read(stream)
        header = NpyHeader(shape, dtype, fortran, stream.tell())
    if dtype.kind not in "buif" or dtype.itemsize > 8:
        raise RecordError(Status.UNSUPPORTED, "an array of neither integers nor floats of at most 64 bits")
    if not 2 <= len(shape) <= 4 or (len(shape) == 4 and shape[3] > _MOST_CHANNELS):
        raise RecordError(Status.UNSUPPORTED, "an array with axes other than frames, rows, columns, channels")
    return header


def npz_member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The array that is the image. Raises RecordError: unreadable, unsupported."""
    members = {info.filename: info for info in archive.infolist()}
    named = next((members[name] for name in _PREFERRED if name in members), None)
    member = named or (next(iter(members.values())) if len(members) == 1 else None)
    if member is None:
        raise RecordError(Status.UNSUPPORTED, "an npz file with several arrays, none called image or arr_0")
    if member.compress_type not in _METHODS or member.flag_bits & _ENCRYPTED:
        raise RecordError(Status.UNSUPPORTED, "an npz file that is encrypted or not plainly deflated")
    return member


def _check_size(header: NpyHeader, frames: int, settings: ImagesInput) -> None:
    rows, columns = header.frame_shape[:2]
    channels = header.frame_shape[2] if len(header.frame_shape) == 3 else 1
    check_pixels(rows, columns, channels, frames, settings.max_pixels)


def _image(values: Array) -> Image:
    """A copy in native byte order. 8, 16 and 32 bit keep their type; floats and 64 bit have no range."""
    kind, size = values.dtype.kind, values.dtype.itemsize
    if kind == "b":
        return Image(values.astype(np.uint8, order="C"), (0, 1))
    if kind == "f":
        return Image(values.astype(np.float32 if size <= 4 else np.float64, order="C"), (-math.inf, math.inf))
    if size == 8:
        return Image(_at_most_float64(values), (-math.inf, math.inf))
    limits = np.iinfo(values.dtype)
    return Image(values.astype(values.dtype.newbyteorder("="), order="C"), (int(limits.min), int(limits.max)))


def _at_most_float64(values: Array) -> Array:
    least, most = int(values.min()), int(values.max())
    limits = np.iinfo(np.int32)
    if limits.min <= least and most <= limits.max:
        return values.astype(np.int32, order="C")
    if max(-least, most) > _EXACT_IN_FLOAT64:
        raise RecordError(Status.UNSUPPORTED, "an array of integers beyond what a float can hold")
    return values.astype(np.float64, order="C")
