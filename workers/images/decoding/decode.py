"""Bytes of one object to images: the one door to every format."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from schemas.errors import RecordError
from schemas.status import Status
from workers.images.decoding.bounds import wanted_frames
from workers.images.decoding.inflate import gunzip
from workers.images.decoding.numpy_files import decode_npy, inflated_npz
from workers.images.decoding.rasters import decode_jpeg, decode_png
from workers.images.decoding.sniff import sniff
from workers.images.prepare.image import Image
from workers.images.settings import VOLUME_FORMATS, ImageFormat, ImagesInput
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
    return open_object(data, settings)(frame)


OpenObject = Callable[[int | None], Decoded]
"""Decodes one frame of an object, as `decode` does. Not for several threads."""


def open_object(data: Buffer, settings: ImagesInput) -> OpenObject:
    """What is the same for all frames done once: inflating, parsing. Never raises for what the bytes are."""
    header: Mapping[str, str | None] = dict.fromkeys(settings.header_names)
    try:
        data, kind = opened(data, settings)
        if kind == "dicom":
            return _open_dicom(data, settings)
        frames_of = _OPENERS[kind](data, settings) if kind in _OPENERS else partial(_DECODERS[kind], data, settings)
    except RecordError as error:
        return partial(_refused, header, error)
    return partial(_decoded, frames_of, header)


def _refused(header: Mapping[str, str | None], error: RecordError, frame: int | None) -> Decoded:
    return Decoded([], 0, header, error)


def _decoded(
    frames_of: Callable[[int | None], tuple[list[Image], int]], header: Mapping[str, str | None], frame: int | None
) -> Decoded:
    try:
        return Decoded(*frames_of(frame), header)
    except RecordError as error:
        return Decoded([], 0, header, error)


def _open_dicom(data: Buffer, settings: ImagesInput) -> OpenObject:
    """Raises RecordError where the dataset cannot be read at all."""
    # pydicom takes half a second to import, which other formats need not pay.
    from workers.images.decoding.dicom import DicomImage  # noqa: PLC0415
    from workers.images.decoding.dicom_file import read_dicom  # noqa: PLC0415
    from workers.images.decoding.identifiers import identifiers  # noqa: PLC0415

    parsed = read_dicom(data, settings.max_inflated)
    header = identifiers(parsed.dataset, settings.header_names)
    try:
        image = DicomImage(parsed)
    except RecordError as error:
        return partial(_refused, header, error)
    return partial(_decoded, lambda frame: (image.decode(settings, frame), image.module.frames), header)


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
    refuse_volume(kind)
    return data, kind


def refuse_volume(kind: ImageFormat) -> None:
    """Raises RecordError (unsupported) for a file of three axes, which is no image."""
    if kind in VOLUME_FORMATS:
        raise RecordError(Status.UNSUPPORTED, f"a volume ({kind}): input.record: series reads it")


def _png(data: Buffer, settings: ImagesInput, frame: int | None) -> tuple[list[Image], int]:
    wanted_frames(1, settings, frame)
    return [decode_png(data, settings.max_pixels)], 1


def _jpeg(data: Buffer, settings: ImagesInput, frame: int | None) -> tuple[list[Image], int]:
    wanted_frames(1, settings, frame)
    return [decode_jpeg(data, settings.max_pixels)], 1


def _open_tiff(data: Buffer, settings: ImagesInput) -> Callable[[int | None], tuple[list[Image], int]]:
    from workers.images.decoding.tiff import TiffStack  # noqa: PLC0415 - as for DICOM

    return partial(TiffStack(data).decode, settings)


def _open_npz(data: Buffer, settings: ImagesInput) -> Callable[[int | None], tuple[list[Image], int]]:
    return partial(decode_npy, inflated_npz(data, settings), settings)


def _open_pictures(kind: str, data: Buffer, settings: ImagesInput) -> Callable[[int | None], tuple[list[Image], int]]:
    from workers.images.decoding.pillow_files import Pictures  # noqa: PLC0415 - as for DICOM

    return partial(Pictures(kind, data, settings).decode, settings)


def _jpeg2000(data: Buffer, settings: ImagesInput, frame: int | None) -> tuple[list[Image], int]:
    from workers.images.decoding.jpeg2000 import decode_jpeg2000  # noqa: PLC0415 - as for DICOM

    return decode_jpeg2000(data, settings, frame)


_DECODERS: Mapping[str, Callable[[Buffer, ImagesInput, int | None], tuple[list[Image], int]]] = {
    "png": _png,
    "jpeg": _jpeg,
    "npy": decode_npy,
    "jpeg2000": _jpeg2000,
}

_OPENERS: Mapping[str, Callable[[Buffer, ImagesInput], Callable[[int | None], tuple[list[Image], int]]]] = {
    "tiff": _open_tiff,
    "npz": _open_npz,
    "bmp": partial(_open_pictures, "bmp"),
    "webp": partial(_open_pictures, "webp"),
    "gif": partial(_open_pictures, "gif"),
}
