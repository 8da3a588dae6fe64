"""Which plugin decodes a transfer syntax, best first.

pydicom tries its plugins in alphabetical order, gdcm first: it is the slowest of them, and ends the process where
the others raise. On every file that more than one of them reads the results are the same bit for bit, so the order
is ours, and gdcm is left for what only it decodes: lossless JPEG.
"""

from functools import cache

from pydicom.pixels.decoders.base import Decoder, get_decoder
from pydicom.uid import UID

from workers.images.decoding.transfer_syntax import JPEG_EXTENDED

_PYDICOM = "pydicom.pixels.decoders."
_PLUGINS: dict[str, tuple[str, ...]] = {
    "1.2.840.10008.1.2.4.50": ("pillow",),
    JPEG_EXTENDED: ("pillow",),
    "1.2.840.10008.1.2.4.80": ("pyjpegls",),
    "1.2.840.10008.1.2.4.81": ("pyjpegls",),
    "1.2.840.10008.1.2.4.90": ("pylibjpeg",),
    "1.2.840.10008.1.2.4.91": ("pylibjpeg",),
    "1.2.840.10008.1.2.5": ("pylibjpeg", "rle"),
}


@cache
def decoder_for(uid: str, bits: int) -> Decoder:
    """The decoder of a transfer syntax for samples of so many bits (0: not said by the frame).

    Where no plugin of our choice is installed it is pydicom's own decoder with all of its plugins.
    """
    decoder = Decoder(UID(uid))
    if uid == JPEG_EXTENDED and bits > 8:
        # Pillow, the first choice for this transfer syntax, decodes 8 bits only.
        decoder.add_plugin("imagecodecs", ("workers.images.decoding.jpeg12", "decode_frame"))
        return decoder
    for plugin in _PLUGINS.get(uid, ()):
        decoder.add_plugin(plugin, (_PYDICOM + plugin, "_decode_frame"))
    return decoder if decoder.available_plugins else get_decoder(uid)
