"""Every DICOM transfer syntax that may hold an image: its name, what decodes it, and whether that is installed.

Source: DICOM PS3.6 table A-1 for UIDs and names; of the retired ones those that old archives hold.
"""

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"
JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"
RLE = "1.2.840.10008.1.2.5"

_JPEG = ("pillow", "imagecodecs")
_LOSSLESS_JPEG = ("imagecodecs", "python-gdcm")
_JPEG_LS = ("imagecodecs", "pyjpegls")
_JPEG_2000 = ("pylibjpeg-openjpeg", "imagecodecs")
_MODULES = {
    "pydicom": "pydicom",
    "pillow": "PIL",
    "imagecodecs": "imagecodecs",
    "python-gdcm": "gdcm",
    "pyjpegls": "jpeg_ls",
    "pylibjpeg-openjpeg": "openjpeg",
    "pylibjpeg-rle": "rle",
}

_TABLE: dict[str, tuple[str, tuple[str, ...]]] = {
    IMPLICIT_LITTLE: ("Implicit VR Little Endian", ("pydicom",)),
    EXPLICIT_LITTLE: ("Explicit VR Little Endian", ("pydicom",)),
    DEFLATED: ("Deflated Explicit VR Little Endian", ("pydicom",)),
    EXPLICIT_BIG: ("Explicit VR Big Endian", ("pydicom",)),
    DEFLATED_FRAMES: ("Deflated Image Frame Compression", ("pydicom",)),
    "1.2.840.10008.1.2.4.50": ("JPEG Baseline (Process 1)", _JPEG),
    JPEG_EXTENDED: ("JPEG Extended (Process 2 and 4)", ("imagecodecs", "pillow")),
    "1.2.840.10008.1.2.4.53": (
        "JPEG Spectral Selection, Non-Hierarchical (Process 6 and 8)",
        ("imagecodecs", "pillow"),
    ),
    "1.2.840.10008.1.2.4.55": (
        "JPEG Full Progression, Non-Hierarchical (Process 10 and 12)",
        ("imagecodecs", "pillow"),
    ),
    "1.2.840.10008.1.2.4.57": ("JPEG Lossless (Process 14)", _LOSSLESS_JPEG),
    "1.2.840.10008.1.2.4.70": ("JPEG Lossless (Process 14, Selection Value 1)", _LOSSLESS_JPEG),
    "1.2.840.10008.1.2.4.80": ("JPEG-LS Lossless", _JPEG_LS),
    "1.2.840.10008.1.2.4.81": ("JPEG-LS Near-Lossless", _JPEG_LS),
    "1.2.840.10008.1.2.4.90": ("JPEG 2000 (Lossless Only)", _JPEG_2000),
    "1.2.840.10008.1.2.4.91": ("JPEG 2000", _JPEG_2000),
    "1.2.840.10008.1.2.4.92": ("JPEG 2000 Part 2 Multi-component (Lossless Only)", ()),
    "1.2.840.10008.1.2.4.93": ("JPEG 2000 Part 2 Multi-component", ()),
    "1.2.840.10008.1.2.4.100": ("MPEG2 Main Profile / Main Level", ()),
    "1.2.840.10008.1.2.4.100.1": ("Fragmentable MPEG2 Main Profile / Main Level", ()),
    "1.2.840.10008.1.2.4.101": ("MPEG2 Main Profile / High Level", ()),
    "1.2.840.10008.1.2.4.101.1": ("Fragmentable MPEG2 Main Profile / High Level", ()),
    "1.2.840.10008.1.2.4.102": ("MPEG-4 AVC/H.264 High Profile / Level 4.1", ()),
    "1.2.840.10008.1.2.4.102.1": ("Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.1", ()),
    "1.2.840.10008.1.2.4.103": ("MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1", ()),
    "1.2.840.10008.1.2.4.103.1": ("Fragmentable MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1", ()),
    "1.2.840.10008.1.2.4.104": ("MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video", ()),
    "1.2.840.10008.1.2.4.104.1": ("Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video", ()),
    "1.2.840.10008.1.2.4.105": ("MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video", ()),
    "1.2.840.10008.1.2.4.105.1": ("Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video", ()),
    "1.2.840.10008.1.2.4.106": ("MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2", ()),
    "1.2.840.10008.1.2.4.106.1": ("Fragmentable MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2", ()),
    "1.2.840.10008.1.2.4.107": ("HEVC/H.265 Main Profile / Level 5.1", ()),
    "1.2.840.10008.1.2.4.108": ("HEVC/H.265 Main 10 Profile / Level 5.1", ()),
    "1.2.840.10008.1.2.4.110": ("JPEG XL Lossless", ()),
    "1.2.840.10008.1.2.4.111": ("JPEG XL JPEG Recompression", ()),
    "1.2.840.10008.1.2.4.112": ("JPEG XL", ()),
    "1.2.840.10008.1.2.4.201": ("HTJ2K (Lossless Only)", _JPEG_2000),
    "1.2.840.10008.1.2.4.202": ("HTJ2K with RPCL Options (Lossless Only)", _JPEG_2000),
    "1.2.840.10008.1.2.4.203": ("HTJ2K", _JPEG_2000),
    "1.2.840.10008.1.2.4.204": ("JPIP HTJ2K Referenced", ()),
    "1.2.840.10008.1.2.4.205": ("JPIP HTJ2K Referenced Deflate", ()),
    "1.2.840.10008.1.2.4.94": ("JPIP Referenced", ()),
    "1.2.840.10008.1.2.4.95": ("JPIP Referenced Deflate", ()),
    RLE: ("RLE Lossless", ("pylibjpeg-rle", "pydicom")),
}

NATIVE = frozenset({IMPLICIT_LITTLE, EXPLICIT_LITTLE, DEFLATED, EXPLICIT_BIG})


@dataclass(frozen=True)
class DecoderStatus:
    """One transfer syntax. `packages` are those that decode it, best first; `remedy` is empty where one is there."""

    name: str
    packages: tuple[str, ...]
    available: bool
    remedy: str


def transfer_syntaxes() -> tuple[str, ...]:
    """The UIDs of the table."""
    return tuple(_TABLE)


@cache
def decoder_status(uid: str) -> DecoderStatus:
    """What there is to be said of a transfer syntax; one that is not in the table has a name that does not quote it."""
    if uid not in _TABLE:
        return DecoderStatus("an unknown transfer syntax", (), False, "no package reads it: convert the files first")
    name, packages = _TABLE[uid]
    if _is_available(uid, packages):
        return DecoderStatus(name, packages, True, "")
    if packages:
        base = "pylibjpeg " if packages[0].startswith("pylibjpeg-") else ""
        return DecoderStatus(name, packages, False, f"pip install {base}{packages[0]}")
    return DecoderStatus(name, packages, False, "no package reads it: convert the files first")


def _is_available(uid: str, packages: tuple[str, ...]) -> bool:
    return bool(packages) and (uid in NATIVE or any(find_spec(_MODULES[package]) for package in packages))


def decoders() -> list[DecoderStatus]:
    """Every transfer syntax of DICOM that may hold an image."""
    return [decoder_status(uid) for uid in transfer_syntaxes()]
