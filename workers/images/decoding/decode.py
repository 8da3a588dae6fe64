"""Bytes of one object to images: the one door to every format."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from schemas.errors import RecordError
from schemas.status import Status
from workers.images.decoding.bounds import wanted_frames
from workers.images.decoding.inflate import gunzip
from workers.images.decoding.numpy_files import decode_npy, decode_npz
from workers.images.decoding.rasters import decode_jpeg, decode_png
from workers.images.decoding.sniff import sniff
from workers.images.prepare.image import Image
from workers.images.settings import ImageFormat, ImagesInput
from workers.reading.gzip import begins_as_gzip

Buffer = bytes | memoryview


class Decoded(NamedTuple):
    """What became of one object.

    `frames` are the wanted ones, in order, and `n_frames` is how many the object has. `header` has an entry for each
    of `ImagesInput.header_names`: the DICOM attribute as text, or None. With an `error` there are no frames, and
    the header is there all the same as far as it could be read.
    """

    frames: list[Image]
    n_frames: int
    header: Mapping[str, str | None]
    error: RecordError | None = None


def decode(data: Buffer, settings: ImagesInput, frame: int | None = None) -> Decoded:
    """Decode frame number `frame` (from 0), or without one what `settings.frame` picks.

    Never raises for what the bytes are: `error` says it. The arrays do not refer to `data`.
    """
    header: Mapping[str, str | None] = dict.fromkeys(settings.header_names)
    try:
        data, kind = opened(data, settings)
        if kind == "dicom":
            return _decode_dicom(data, settings, (frame,))[0]
        frames, n_frames = _DECODERS[kind](data, settings, frame)
    except RecordError as error:
        return Decoded([], 0, header, error)
    return Decoded(frames, n_frames, header)


def decode_each(data: Buffer, settings: ImagesInput, frames: Sequence[int | None]) -> list[Decoded]:
    """As `decode` for several frames of one object; a DICOM object is then parsed once."""
    if len(frames) > 1:
        try:
            opened_data, kind = opened(data, settings)
            if kind == "dicom":
                return _decode_dicom(opened_data, settings, frames)
        except RecordError as error:
            return [Decoded([], 0, dict.fromkeys(settings.header_names), error) for _ in frames]
    return [decode(data, settings, frame) for frame in frames]


def _decode_dicom(data: Buffer, settings: ImagesInput, frames: Sequence[int | None]) -> list[Decoded]:
    """Raises RecordError where the dataset cannot be read at all; what only a frame lacks is its `error`."""
    # pydicom takes half a second to import, which other formats need not pay.
    from workers.images.decoding.dicom import DicomImage  # noqa: PLC0415
    from workers.images.decoding.dicom_file import read_dicom  # noqa: PLC0415
    from workers.images.decoding.identifiers import identifiers  # noqa: PLC0415

    parsed = read_dicom(data, settings.max_inflated)
    header = identifiers(parsed.dataset, settings.header_names)
    decoded: list[Decoded] = []
    try:
        image = DicomImage(parsed)
    except RecordError as error:
        return [Decoded([], 0, header, error) for _ in frames]
    for frame in frames:
        try:
            decoded.append(Decoded(image.decode(settings, frame), image.module.frames, header))
        except RecordError as error:
            decoded.append(Decoded([], 0, header, error))
    return decoded


def opened(data: Buffer, settings: ImagesInput) -> tuple[Buffer, ImageFormat]:
    """The bytes, out of gzip if need be, and their format. Raises RecordError: unreadable, too_large."""
    if len(data) > settings.max_bytes:
        raise RecordError(Status.TOO_LARGE, f"the object is larger than {settings.max_bytes} bytes")
    if begins_as_gzip(data):
        data = gunzip(data, settings.max_inflated)
    kind = sniff(data)
    if kind is None:
        raise RecordError(Status.UNREADABLE, "of no known image format" if len(data) else "the object is empty")
    if settings.format not in ("auto", kind):
        raise RecordError(Status.UNREADABLE, f"not {settings.format} but {kind}, by its first bytes")
    return data, kind


def _png(data: Buffer, settings: ImagesInput, frame: int | None) -> tuple[list[Image], int]:
    wanted_frames(1, settings, frame)
    return [decode_png(data, settings.max_pixels)], 1


def _jpeg(data: Buffer, settings: ImagesInput, frame: int | None) -> tuple[list[Image], int]:
    wanted_frames(1, settings, frame)
    return [decode_jpeg(data, settings.max_pixels)], 1


def _tiff(data: Buffer, settings: ImagesInput, frame: int | None) -> tuple[list[Image], int]:
    from workers.images.decoding.tiff import decode_tiff  # noqa: PLC0415 - as for DICOM

    return decode_tiff(data, settings, frame)


def _by_pillow(kind: str, data: Buffer, settings: ImagesInput, frame: int | None) -> tuple[list[Image], int]:
    from workers.images.decoding.pillow_files import decode_pillow  # noqa: PLC0415 - as for DICOM

    return decode_pillow(kind, data, settings, frame)


def _jpeg2000(data: Buffer, settings: ImagesInput, frame: int | None) -> tuple[list[Image], int]:
    from workers.images.decoding.jpeg2000 import decode_jpeg2000  # noqa: PLC0415 - as for DICOM

    return decode_jpeg2000(data, settings, frame)


_DECODERS: Mapping[str, Callable[[Buffer, ImagesInput, int | None], tuple[list[Image], int]]] = {
    "png": _png,
    "jpeg": _jpeg,
    "tiff": _tiff,
    "npy": decode_npy,
    "npz": decode_npz,
    "bmp": partial(_by_pillow, "bmp"),
    "webp": partial(_by_pillow, "webp"),
    "gif": partial(_by_pillow, "gif"),
    "jpeg2000": _jpeg2000,
}
