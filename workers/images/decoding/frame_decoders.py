"""Which package decodes a compressed frame, best first; where one refuses, the next is tried.

The order is by speed and by how well a package tells damage: on every frame that more than one of them reads the
samples are the same bit for bit. Nothing stands behind a package that would accept the damaged frames which it
refuses (OpenJPH behind OpenJPEG). Of lossless JPEG libjpeg-turbo has the first word where its samples are proven to be
what is coded, and gdcm the last.
Each function gives the samples of the codestream, (rows, columns) or (rows, columns, 3), in colours as they are
coded; a multi-component transform of JPEG 2000 is undone. It raises what its package raises.
"""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Array
from workers.images.decoding.codestream import JPEG_LS, FrameSize
from workers.images.decoding.fence import as_record_error
from workers.images.decoding.lossless_jpeg import read_scan, spare_bits
from workers.images.decoding.pixel_module import PixelModule

_BYTE = 8
_LOSSLESS = frozenset({0xC3, 0xC7, 0xCB, 0xCF})
_RGB_IDS = ((0x52, 0x47, 0x42),)
_MOST_PADDING = 8
"""Bytes that a writer may leave between what it coded and the end marker."""


class FrameDecoder(NamedTuple):
    """`package` is to be installed, `module` is what is imported of it."""

    package: str
    module: str
    decode: Callable[[bytes, FrameSize], Any]


def decode_codestream(frame: bytes, found: FrameSize, module: PixelModule) -> Array:
    """The samples of a frame with these markers. Raises RecordError: unreadable, unsupported where no package is."""
    chain = chain_of(found)
    able = [decoder for decoder in chain if find_spec(decoder.module)]
    if not able:
        raise RecordError(Status.UNSUPPORTED, f"nothing here decodes it: pip install {chain[0].package}")
    shape = (module.rows, module.columns, module.samples)[: 2 if module.samples == 1 else 3]
    problem = RecordError(Status.UNREADABLE, "its pixel data cannot be decoded")
    for decoder in able:
        try:
            with as_record_error(problem.detail):
                samples = np.asarray(decoder.decode(frame, found)).reshape(shape)
                return samples.astype(samples.dtype.newbyteorder("="), copy=False)
        except RecordError as error:
            problem = error
    raise problem


def chain_of(found: FrameSize) -> Sequence[FrameDecoder]:
    """The decoders of a codestream, whatever transfer syntax it lies in."""
    if not found.process:
        return _JPEG_2000
    if found.process == JPEG_LS:
        return _JPEG_LS
    if found.process in _LOSSLESS:
        return _LOSSLESS_JPEG if find_spec("gdcm") else _LOSSLESS_JPEG_WITHOUT_GDCM
    return _JPEG if found.bits == _BYTE else _JPEG[1:]


def _pillow(frame: bytes, found: FrameSize) -> Array:
    from PIL import Image  # noqa: PLC0415  one of several packages that do

    image = Image.open(BytesIO(frame), formats=("JPEG",))
    # libjpeg takes three components for YCbCr unless their names or an Adobe segment say RGB; asked for the colours
    # that it believes in, it converts nothing.
    if found.channels == 3 and (found.adobe or (found.adobe is None and found.ids not in _RGB_IDS) or found.jfif):
        image.draft("YCbCr", image.size)
    return np.asarray(image)


def _imagecodecs_jpeg(frame: bytes, found: FrameSize) -> Array:
    import imagecodecs  # noqa: PLC0415

    # Despite its name it takes 12 and 16 bits and lossless JPEG as well, through libjpeg-turbo 3. Read and asked for in
    # the same colours, nothing is converted.
    colours = None if found.channels == 1 else "RGB"
    decoded: Array = imagecodecs.jpeg8_decode(frame, colorspace=colours, outcolorspace=colours)
    return decoded


def _proven_lossless(frame: bytes, found: FrameSize) -> Array:
    """Raises ValueError where the samples are not proven to be what is coded: it accepts nearly everything."""
    scan = read_scan(frame, found)
    samples = _imagecodecs_jpeg(frame, found) if scan is not None else None
    if scan is None or samples is None or not 0 <= spare_bits(scan, found, samples) < _BYTE:
        raise ValueError("its samples may be made up")
    return samples


def _imagecodecs_lossless(frame: bytes, found: FrameSize) -> Array:
    return _coded(_imagecodecs_jpeg(frame, found), frame, found)


def _coded(samples: Array, frame: bytes, found: FrameSize) -> Array:
    """Raises ValueError where these samples take other bits than there are, so that some of them are made up."""
    scan = read_scan(frame, found)
    if scan is not None and not 0 <= spare_bits(scan, found, samples) // _BYTE <= _MOST_PADDING:
        raise ValueError("some of its samples are made up")
    return samples


def _imagecodecs_jpeg_ls(frame: bytes, found: FrameSize) -> Array:
    import imagecodecs  # noqa: PLC0415

    decoded: Array = imagecodecs.jpegls_decode(frame)
    return decoded


def _jpeg_ls(frame: bytes, found: FrameSize) -> Array:
    import jpeg_ls  # noqa: PLC0415

    buffer, info = jpeg_ls.decode_pixel_data(frame)
    flat = np.frombuffer(buffer, np.uint8 if found.bits <= _BYTE else np.uint16)
    if found.channels > 1 and info["interleave_mode"] == 0:
        return np.moveaxis(flat.reshape(found.channels, found.rows, found.columns), 0, -1)
    return flat


def _jpeg_ls_without_padding(frame: bytes, found: FrameSize) -> Array:
    """Some writers leave a byte 0 between the last scan and the end marker, which CharLS refuses."""
    end = frame.rfind(b"\xff\xd9")
    return _jpeg_ls(frame[:end].rstrip(b"\0") + b"\xff\xd9", found)


def _openjpeg(frame: bytes, found: FrameSize) -> Array:
    from openjpeg import decode  # noqa: PLC0415

    decoded: Array = decode(frame)
    return decoded


def _imagecodecs_jpeg_2000(frame: bytes, found: FrameSize) -> Array:
    import imagecodecs  # noqa: PLC0415

    decoded: Array = imagecodecs.jpeg2k_decode(frame)
    return decoded


def _gdcm(frame: bytes, found: FrameSize) -> Array:
    import gdcm  # noqa: PLC0415

    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(frame)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((found.columns, found.rows, 1))
    image.SetDataElement(element)
    colours = gdcm.PhotometricInterpretation.MONOCHROME2 if found.channels == 1 else gdcm.PhotometricInterpretation.RGB
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(colours))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14))
    allocated = 8 if found.bits <= _BYTE else 16
    image.SetPixelFormat(gdcm.PixelFormat(found.channels, allocated, found.bits, found.bits - 1, 0))
    # GDCM returns char* as str.
    data = image.GetBuffer().encode("utf-8", "surrogateescape")
    return _coded(np.frombuffer(data, np.uint8 if allocated == _BYTE else np.dtype("<u2")), frame, found)


_JPEG = (FrameDecoder("pillow", "PIL", _pillow), FrameDecoder("imagecodecs", "imagecodecs", _imagecodecs_jpeg))
_LOSSLESS_JPEG = (
    FrameDecoder("imagecodecs", "imagecodecs", _proven_lossless),
    FrameDecoder("python-gdcm", "gdcm", _gdcm),
)
_LOSSLESS_JPEG_WITHOUT_GDCM = (FrameDecoder("imagecodecs", "imagecodecs", _imagecodecs_lossless),)
_JPEG_LS = (
    FrameDecoder("imagecodecs", "imagecodecs", _imagecodecs_jpeg_ls),
    FrameDecoder("pyjpegls", "jpeg_ls", _jpeg_ls),
    FrameDecoder("pyjpegls", "jpeg_ls", _jpeg_ls_without_padding),
)
_JPEG_2000 = (
    FrameDecoder("pylibjpeg-openjpeg", "openjpeg", _openjpeg),
    FrameDecoder("imagecodecs", "imagecodecs", _imagecodecs_jpeg_2000),
)
