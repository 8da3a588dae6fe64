"""What can decode a frame here, by transfer syntax, and how fast: decoder x syntax in MB of decoded pixels a second.

A decoder takes a codestream, or with `whole` the bytes of a whole object, and gives samples that are the stored
values, or with `whole` those after the modality transform. One that gives anything else is not exact.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.dicom_objects import SYNTAXES, Kind, Planned, distinct, frames_of, picture

Decode = Callable[[bytes, Kind], Any]
TURNS = 2
"""Each frame is decoded so often; the fastest counts, so that imports do not."""
_FAILURES = (ArithmeticError, AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError)
"""What decoders raise for what they cannot read."""


@dataclass(frozen=True)
class Decoder:
    """`module` is what must be installed."""

    name: str
    module: str
    decode: Decode
    whole: bool = False


def _gdcm(syntax: str) -> Decode:
    def decode(frame: bytes, kind: Kind) -> Any:
        import gdcm

        fragment = gdcm.Fragment()
        fragment.SetByteStringValue(frame)
        fragments = gdcm.SequenceOfFragments.New()
        fragments.AddFragment(fragment)
        element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
        element.SetValue(fragments.__ref__())
        image = gdcm.Image()
        image.SetNumberOfDimensions(2)
        image.SetDimensions((kind.columns, kind.rows, 1))
        image.SetDataElement(element)
        grey = gdcm.PhotometricInterpretation(gdcm.PhotometricInterpretation.MONOCHROME2)
        image.SetPhotometricInterpretation(grey)
        image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(str(SYNTAXES[syntax]))))
        image.SetPixelFormat(gdcm.PixelFormat(1, 16, kind.bits, kind.bits - 1, 0))
        return np.frombuffer(image.GetBuffer().encode("utf-8", "surrogateescape"), "<u2")

    return decode


def _imagecodecs(function: str) -> Decode:
    def decode(frame: bytes, kind: Kind) -> Any:
        import imagecodecs

        return getattr(imagecodecs, function)(frame)

    return decode


def _imagecodecs_rle(frame: bytes, kind: Kind) -> Any:
    import imagecodecs

    return np.frombuffer(imagecodecs.dicomrle_decode(frame, "<u2"), "<u2")


def _pyjpegls(frame: bytes, kind: Kind) -> Any:
    import jpeg_ls

    return np.frombuffer(jpeg_ls.decode_pixel_data(frame)[0], "<u2")


def _openjpeg(frame: bytes, kind: Kind) -> Any:
    import openjpeg

    return openjpeg.decode(frame)


def _opencv(frame: bytes, kind: Kind) -> Any:
    import cv2

    # It wonders at pictures without a colour space, on stderr.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    return cv2.imdecode(np.frombuffer(frame, np.uint8), cv2.IMREAD_UNCHANGED)


def _pillow(frame: bytes, kind: Kind) -> Any:
    from PIL import Image

    return np.asarray(Image.open(BytesIO(frame)))


def _pylibjpeg_rle(frame: bytes, kind: Kind) -> Any:
    from rle.utils import decode_frame

    return np.frombuffer(decode_frame(frame, kind.rows * kind.columns, 16, "<"), "<u2")


def _libjpeg(frame: bytes, kind: Kind) -> Any:
    import libjpeg

    return libjpeg.decode(frame)


def _numpy(frame: bytes, kind: Kind) -> Any:
    return np.frombuffer(frame, "<u2").copy()


def _pydicom(body: bytes, kind: Kind) -> Any:
    from pydicom import dcmread
    from pydicom.pixels import apply_modality_lut

    read = dcmread(BytesIO(body))
    return apply_modality_lut(read.pixel_array, read)


def _simpleitk(body: bytes, kind: Kind) -> Any:
    """It reads files alone, here one in memory."""
    import SimpleITK

    path = Path("/dev/shm/bench-dicom.dcm")
    path.write_bytes(body)
    return SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path), imageIO="GDCMImageIO"))


def _wardround(body: bytes, kind: Kind) -> Any:
    from tests.support.dicom_files import settings
    from workers.images.decoding.decode import decode

    (image,) = decode(body, settings()).frames
    return image.pixels


_WHOLE = (
    Decoder("pydicom", "pydicom", _pydicom, whole=True),
    Decoder("SimpleITK", "SimpleITK", _simpleitk, whole=True),
    Decoder("wardround", "workers", _wardround, whole=True),
)
DECODERS: Mapping[str, tuple[Decoder, ...]] = {
    "jpeg_lossless": (
        Decoder("gdcm", "gdcm", _gdcm("jpeg_lossless")),
        Decoder("pylibjpeg-libjpeg", "libjpeg", _libjpeg),
        Decoder("imagecodecs jpeg8", "imagecodecs", _imagecodecs("jpeg8_decode")),
        Decoder("imagecodecs ljpeg", "imagecodecs", _imagecodecs("ljpeg_decode")),
        Decoder("imagecodecs jpegsof3", "imagecodecs", _imagecodecs("jpegsof3_decode")),
        *_WHOLE,
    ),
    "jpeg_ls": (
        Decoder("gdcm", "gdcm", _gdcm("jpeg_ls")),
        Decoder("pylibjpeg-libjpeg", "libjpeg", _libjpeg),
        Decoder("pyjpegls", "jpeg_ls", _pyjpegls),
        Decoder("imagecodecs jpegls", "imagecodecs", _imagecodecs("jpegls_decode")),
        *_WHOLE,
    ),
    "jpeg_2000": (
        Decoder("gdcm", "gdcm", _gdcm("jpeg_2000")),
        Decoder("pylibjpeg-openjpeg", "openjpeg", _openjpeg),
        Decoder("imagecodecs jpeg2k", "imagecodecs", _imagecodecs("jpeg2k_decode")),
        Decoder("opencv", "cv2", _opencv),
        Decoder("pillow", "PIL", _pillow),
        *_WHOLE,
    ),
    "rle": (
        Decoder("gdcm", "gdcm", _gdcm("rle")),
        Decoder("pylibjpeg-rle", "rle", _pylibjpeg_rle),
        Decoder("imagecodecs dicomrle", "imagecodecs", _imagecodecs_rle),
        *_WHOLE,
    ),
    "native": (Decoder("numpy", "numpy", _numpy), *_WHOLE),
}


def decoder_of(syntax: str, name: str) -> Decode:
    """One of them. Raises StopIteration where there is none of the name."""
    return next(one.decode for one in DECODERS[syntax] if one.name == name)


def table(folder: Path, objects: int) -> dict[str, dict[str, float | str]]:
    """MB/s, or why there is no figure, by syntax and decoder; one picture of each kind."""
    samples: dict[str, list[Planned]] = {}
    for one in distinct(objects):
        samples.setdefault(one.syntax, []).append(one)
    frames = frames_of(folder, objects)
    found: dict[str, dict[str, float | str]] = {}
    for syntax, given in samples.items():
        bodies = {one: ((folder / f"{one.name}.dcm").read_bytes(), frames[one.frame]) for one in given}
        found[syntax] = {one.name: _measured(one, bodies) for one in DECODERS[syntax]}
    return found


def fastest(measured: Mapping[str, Mapping[str, float | str]]) -> dict[str, str]:
    """The fastest exact decoder of codestreams for each syntax."""
    codecs = {syntax: [one.name for one in decoders if not one.whole] for syntax, decoders in DECODERS.items()}
    rates = {
        syntax: {name: rate for name in codecs[syntax] if isinstance(rate := row[name], float)}
        for syntax, row in measured.items()
    }
    return {syntax: max(row, key=lambda name: row[name]) for syntax, row in rates.items()}


def _measured(decoder: Decoder, bodies: Mapping[Planned, tuple[bytes, bytes]]) -> float | str:
    """The rate over all samples together, or why there is none."""
    if find_spec(decoder.module) is None:
        return "not installed"
    try:
        seconds = [_seconds(decoder, one, *body) for one, body in bodies.items()]
    except _FAILURES as error:
        return f"fails: {type(error).__name__}"
    if not all(seconds):
        return "not exact"
    return sum(one.kind.nbytes for one in bodies) / 1e6 / sum(seconds)


def _seconds(decoder: Decoder, one: Planned, body: bytes, frame: bytes) -> float:
    """The fastest of some turns; 0 where the samples are not those that were encoded."""
    given = body if decoder.whole else frame
    wanted = picture(one.kind, one.picture).astype(np.int32) + (one.kind.intercept if decoder.whole else 0)
    turns = []
    for _ in range(TURNS):
        began = time.perf_counter()
        found = decoder.decode(given, one.kind)
        turns.append(time.perf_counter() - began)
        if not np.array_equal(np.asarray(found).reshape(wanted.shape), wanted):
            return 0.0
    return min(turns)
