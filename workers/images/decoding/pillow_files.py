"""BMP, WebP and GIF through Pillow: every picture of an animation is a frame, composed as Pillow composes it."""

import struct
from io import BytesIO
from typing import IO, Any

import numpy as np
import PIL.Image

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Array
from workers.images.decoding.bounds import check_pixels, wanted_frames
from workers.images.decoding.fence import as_record_error
from workers.images.prepare.image import Image
from workers.images.settings import ImagesInput

# Its own bound is a warning, and then an error, below what `max_pixels` allows.
PIL.Image.MAX_IMAGE_PIXELS = None

_NAMES = {"bmp": "BMP", "webp": "WEBP", "gif": "GIF"}
_DAMAGED = "an image that is cut off or damaged"
_CHANNELS = {"1": 1, "L": 1, "LA": 2, "P": 3, "PA": 4, "RGB": 3, "RGBA": 4, "RGBX": 4}
_GREY = ("1", "L", "LA")
BYTES: tuple[int, int] = (0, 255)


class Pictures:
    """The pictures of one object, opened once. Raises RecordError: unreadable, unsupported, too_large."""

    def __init__(self, kind: str, data: bytes | memoryview, settings: ImagesInput) -> None:
        _refuse_cut(kind, data)
        with as_record_error(_DAMAGED):
            self._picture = PIL.Image.open(BytesIO(data), formats=[_NAMES[kind]])
            check_mode(self._picture.mode)
            self._check_pixels(1, settings)
            self._count = _frames(self._picture)

    def decode(self, settings: ImagesInput, frame: int | None) -> tuple[list[Image], int]:
        """The wanted frames, and how many there are: grey or RGB without alpha, uint8.

        Raises RecordError: unreadable, unsupported, too_large, input_changed.
        """
        with as_record_error(_DAMAGED):
            wanted = wanted_frames(self._count, settings, frame)
            self._check_pixels(len(wanted), settings)
            return [_frame(self._picture, index) for index in wanted], self._count

    def _check_pixels(self, frames: int, settings: ImagesInput) -> None:
        picture = self._picture
        check_pixels(picture.height, picture.width, _CHANNELS[picture.mode], frames, settings.max_pixels)


def count_pictures(kind: str, stream: IO[bytes]) -> tuple[int, int, int]:
    """Pictures, rows and columns. Raises RecordError (unreadable)."""
    with as_record_error(_DAMAGED), PIL.Image.open(stream, formats=[_NAMES[kind]]) as picture:
        return _frames(picture), picture.height, picture.width


def check_mode(mode: str) -> None:
    """Raises RecordError (unsupported) for colours that are neither grey nor RGB of 8 bits."""
    if mode not in _CHANNELS:
        raise RecordError(Status.UNSUPPORTED, "an image whose colours are neither grey nor RGB of 8 bits")


def eight_bits(picture: Any) -> Array:
    """(rows, columns) or (rows, columns, 3) uint8 of a Pillow image; alpha is dropped, a palette looked up."""
    if picture.mode == "PA":
        picture = picture.convert("RGBA")
    if picture.mode == "LA":
        return np.ascontiguousarray(np.asarray(picture)[..., 0])
    return np.array(picture.convert("L" if picture.mode in _GREY else "RGB"))


def _frame(picture: Any, index: int) -> Image:
    if getattr(picture, "n_frames", 1) > 1:
        picture.seek(index)
    check_mode(picture.mode)
    return Image(eight_bits(picture), BYTES)


def _frames(picture: Any) -> int:
    return int(getattr(picture, "n_frames", 1))


def _refuse_cut(kind: str, data: bytes | memoryview) -> None:
    """That a WebP is as long as it says: its decoder gives what it has."""
    if kind == "webp" and struct.unpack_from("<I", data, 4)[0] + 8 > len(data) + 1:
        raise RecordError(Status.UNREADABLE, _DAMAGED)
