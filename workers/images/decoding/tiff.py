"""TIFF through tifffile: every page of the main chain is a frame."""

import math
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import IO, Any

import numpy as np
import tifffile

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Array
from workers.images.decoding.bounds import check_pixels, wanted_frames
from workers.images.decoding.fence import as_record_error
from workers.images.decoding.modality import inverted
from workers.images.prepare.image import Image
from workers.images.settings import ImagesInput

_DAMAGED = "it is not readable as TIFF"
_JPEG = 7
_MIN_IS_WHITE, _MIN_IS_BLACK, _RGB, _PALETTE, _YCBCR = 0, 1, 2, 3, 6
_COLOURS = {_MIN_IS_WHITE: 1, _MIN_IS_BLACK: 1, _RGB: 3, _PALETTE: 1, _YCBCR: 3}
_ALPHA = (1, 2)
_UNCOMPRESSED = 1
_ORIENTATION = 274
_TURNS: Mapping[int, Callable[[Array], Array]] = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: np.rot90(pixels),
}
"""By the value of the tag: which side of the picture its first row and column are (TIFF 6.0)."""


class TiffStack:
    """Every page of a TIFF, its directories read once. Raises RecordError (unreadable, unsupported)."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._bytes = len(data)
        with as_record_error(_DAMAGED):
            self._file = tifffile.TiffFile(BytesIO(data))
            self._count = len(self._file.pages)
            _refuse_hidden(self._file)

    def decode(self, settings: ImagesInput, frame: int | None) -> tuple[list[Image], int]:
        """The wanted pages, and how many there are: grey as stored (0 is black), or RGB without alpha.

        Raises RecordError: unreadable, unsupported, too_large, input_changed.
        """
        with as_record_error(_DAMAGED):
            pages = self._file.pages
            wanted = wanted_frames(self._count, settings, frame)
            for index in wanted:
                _check(pages[index], self._bytes, len(wanted), settings.max_pixels)
            return [_image(pages[index]) for index in wanted], self._count


def count_pages(stream: IO[bytes]) -> tuple[int, int, int]:
    """Pages, and the rows and columns of the first. Raises RecordError (unreadable)."""
    with as_record_error(_DAMAGED), tifffile.TiffFile(stream) as file:
        first = file.pages[0]
        return len(file.pages), int(first.imagelength), int(first.imagewidth)


def _refuse_hidden(file: tifffile.TiffFile) -> None:
    """Raises RecordError for a stack of ImageJ and the like that holds pictures behind those that have a page."""
    if not (file.is_imagej or file.is_shaped or file.is_stk):
        return
    if math.prod(file.series[0].shape) > len(file.pages) * math.prod(file.pages[0].shape):
        raise RecordError(Status.UNSUPPORTED, "a TIFF stack whose pictures have no pages: save it with a page for each")


def _check(page: Any, size: int, frames: int, limit: int) -> None:
    """Everything that tifffile would reserve memory by, or fill up in silence."""
    check_pixels(page.imagelength, page.imagewidth, page.samplesperpixel, frames, limit)
    if page.is_tiled:
        check_pixels(page.tilelength, page.tilewidth, page.samplesperpixel * page.tiledepth, 1, limit)
    if page.photometric not in _COLOURS or (page.photometric == _YCBCR and page.compression != _JPEG):
        raise RecordError(Status.UNSUPPORTED, "a TIFF whose colours have no conversion to grey or RGB")
    if page.axes not in ("YX", "YXS", "SYX") or page.dtype is None or page.dtype.kind not in "buif":
        raise RecordError(Status.UNSUPPORTED, "a TIFF page that is not one grey or RGB image of integers or floats")
    colours = _COLOURS[page.photometric]
    if page.samplesperpixel > colours and not (
        page.samplesperpixel == colours + 1 and page.extrasamples and page.extrasamples[0] in _ALPHA
    ):
        raise RecordError(Status.UNSUPPORTED, "a TIFF with channels beside grey, RGB and alpha")
    if page.compression not in tifffile.TIFF.DECOMPRESSORS:
        raise RecordError(Status.UNSUPPORTED, "a TIFF compression without a decoder: pip install imagecodecs")
    segments = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    if not segments or any(offset <= 0 or count <= 0 or offset + count > size for offset, count in segments):
        raise RecordError(Status.UNREADABLE, "a TIFF that is cut off")
    if page.compression == _UNCOMPRESSED and sum(page.databytecounts) * 8 < _stored_bits(page):
        raise RecordError(Status.UNREADABLE, "a TIFF that holds fewer bytes than its header asks for")


def _stored_bits(page: Any) -> int:
    return int(page.imagelength * page.imagewidth * page.samplesperpixel * page.bitspersample)


def _image(page: Any) -> Image:
    pixels = page.asarray(maxworkers=1)
    if page.axes == "SYX":
        pixels = np.moveaxis(pixels, 0, -1)
    colours = _COLOURS[page.photometric]
    if pixels.ndim == 3:
        pixels = pixels[..., 0] if colours == 1 else pixels[..., :colours]
    pixels = np.ascontiguousarray(_upright(_plain(pixels), page))
    if page.photometric == _PALETTE:
        return Image(_coloured(page, pixels), (0, 255))
    value_range = _range(page, pixels)
    return Image(inverted(pixels, value_range) if page.photometric == _MIN_IS_WHITE else pixels, value_range)


def _upright(pixels: Array, page: Any) -> Array:
    """Turned and mirrored as the tag Orientation says, as Pillow does; another value changes nothing."""
    tag = page.tags.get(_ORIENTATION)
    turn = _TURNS.get(tag.value if tag is not None else 1)
    return pixels if turn is None else turn(pixels)


def _plain(pixels: Array) -> Array:
    """In native byte order; booleans as 0 and 1, half floats as float32."""
    if pixels.dtype.kind == "b":
        return pixels.astype(np.uint8)
    if pixels.dtype == np.float16:
        return pixels.astype(np.float32)
    return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)


def _range(page: Any, pixels: Array) -> tuple[float, float]:
    if pixels.dtype.kind == "f":
        if page.photometric == _MIN_IS_WHITE:
            raise RecordError(Status.UNSUPPORTED, "a TIFF of floats that says 0 is white")
        return -math.inf, math.inf
    if pixels.dtype.kind == "i":
        return int(np.iinfo(pixels.dtype).min), int(np.iinfo(pixels.dtype).max)
    return 0, (1 << int(page.bitspersample)) - 1


def _coloured(page: Any, pixels: Array) -> Array:
    """Through the colour map, whose 16-bit entries are taken to 8 bits as libtiff and Pillow do."""
    return np.ascontiguousarray((page.colormap >> 8).astype(np.uint8)[:, pixels].transpose(1, 2, 0))
