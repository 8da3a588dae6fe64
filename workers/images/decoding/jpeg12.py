"""JPEG Extended with 12 bits a sample, which pydicom's own plugins refuse.

Written as a decoding plugin of pydicom (`is_available`, `DECODER_DEPENDENCIES`, a function of frame and runner), so
that pydicom does with the samples what it does with those of any other plugin.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom.pixels.decoders.base import DecodeRunner

DECODER_DEPENDENCIES = {"1.2.840.10008.1.2.4.51": ("imagecodecs",)}


def is_available(uid: str) -> bool:
    """Whether this plugin decodes the transfer syntax here."""
    return uid in DECODER_DEPENDENCIES and find_spec("imagecodecs") is not None


def decode_frame(frame: bytes, runner: DecodeRunner) -> bytes:
    """Samples of one frame as little-endian 16 bit; raises ValueError for what is not 12-bit grey JPEG."""
    import imagecodecs  # noqa: PLC0415  optional: only this transfer syntax needs it

    if runner.bits_allocated != 16 or runner.samples_per_pixel != 1:
        raise ValueError("12-bit JPEG is decoded to one 16-bit sample a pixel only")
    # Despite its name it takes the 12 bits of this process as well, through libjpeg-turbo 3.
    samples = imagecodecs.jpeg8_decode(frame)
    return bytes(samples.astype("<u2", copy=False).tobytes())
