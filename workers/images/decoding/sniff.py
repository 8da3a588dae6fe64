"""Which format bytes are, by their first bytes alone."""

import re
import struct

from workers.images.settings import ImageFormat

# PS3.5 6.2. Written out, since pydicom takes half a second to import and most formats do without it.
_EXPLICIT = frozenset(
    b"AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV".split()
)
# A file without preamble starts with its meta information or, older ones, with the identifying group.
_FIRST_GROUPS = frozenset({0x0002, 0x0008})
_LONGEST_FIRST_VALUE = 1024
_NIFTI_1 = (struct.pack("<i", 348), struct.pack(">i", 348))
_ANALYZE_TYPES = frozenset({1, 2, 4, 8, 16, 32, 64, 128})
_NIFTI_2 = (struct.pack("<i", 540), struct.pack(">i", 540))
_META = re.compile(rb"\s*(?:ObjectType|NDims|Comment|ObjectSubType)[ \t]*=")
_BMP_HEADERS = frozenset(struct.pack("<I", size) for size in (12, 40, 52, 56, 64, 108, 124))


def sniff(data: bytes | memoryview) -> ImageFormat | None:
    """The format, or None. DICOM wins over what its preamble pretends to be (a TIFF, a program)."""
    if data[128:132] == b"DICM":
        return "dicom"
    start = bytes(data[:8])
    if start == b"\x89PNG\r\n\x1a\n":
        return "png"
    if start[:3] == b"\xff\xd8\xff":
        return "jpeg"
    if start[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "tiff"
    if start[:6] == b"\x93NUMPY":
        return "npy"
    if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return "npz"
    return _rarer(data, start) or _volume(data, start) or ("dicom" if _is_bare_dicom(start) else None)


def _volume(data: bytes | memoryview, start: bytes) -> ImageFormat | None:
    """Files of three axes: NIfTI-1 and -2 in either byte order (also with voxels in a file beside, and Analyze, which
    has them there), NRRD, MetaImage."""
    if start[:4] in _NIFTI_1 and (bytes(data[344:348]) in (b"n+1\0", b"ni1\0") or _is_analyze(data, start)):
        return "nifti"
    if start[:4] in _NIFTI_2 and start[4:7] in (b"n+2", b"ni2"):
        return "nifti"
    if start[:7] == b"NRRD000":
        return "nrrd"
    return "metaimage" if _META.match(bytes(data[:64])) else None


def _is_analyze(data: bytes | memoryview, start: bytes) -> bool:
    """The header of Analyze 7.5, from which NIfTI comes: it has no mark but one to seven axes of a known type."""
    order = "<" if start[:4] == _NIFTI_1[0] else ">"
    head = bytes(data[:348])
    if len(head) < 348 or head[344:] != bytes(4):
        return False
    axes, *sizes = struct.unpack_from(f"{order}8h", head, 40)
    (kind,) = struct.unpack_from(f"{order}h", head, 70)
    return 1 <= axes <= len(sizes) and min(sizes[:axes]) > 0 and kind in _ANALYZE_TYPES


def _rarer(data: bytes | memoryview, start: bytes) -> ImageFormat | None:
    if start[:4] == b"RIFF" and bytes(data[8:12]) == b"WEBP":
        return "webp"
    if start[:6] in (b"GIF87a", b"GIF89a"):
        return "gif"
    if start == b"\x00\x00\x00\x0cjP  " or start[:4] == b"\xff\x4f\xff\x51":
        return "jpeg2000"
    # Two letters begin many things: the length of the header behind them has to be one that exists.
    if start[:2] == b"BM" and bytes(data[14:18]) in _BMP_HEADERS:
        return "bmp"
    return None


def _is_bare_dicom(start: bytes) -> bool:
    """DICOM without preamble: a known first group, a VR or a small length where one must stand."""
    if len(start) < 8:
        return False
    if start[4:6] in _EXPLICIT:
        return bool({struct.unpack("<H", start[:2])[0], struct.unpack(">H", start[:2])[0]} & _FIRST_GROUPS)
    group, element, length = struct.unpack("<HHI", start)
    return group in _FIRST_GROUPS and element <= 0x0100 and 0 < length <= _LONGEST_FIRST_VALUE and length % 2 == 0
