"""The attributes that say how pixels are stored (PS3.3 C.7.6.3), checked before anything is decoded."""

from dataclasses import dataclass

from pydicom import Dataset

from schemas.errors import RecordError
from schemas.status import Status
from workers.images.decoding.fence import as_record_error

_GREY = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
_COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_CONTAINERS = {"PixelData": (1, 8, 16, 32), "FloatPixelData": (32,), "DoubleFloatPixelData": (64,)}
_MAX_SIDE = 65_535


@dataclass(frozen=True)
class PixelModule:
    """How one frame is stored. `bits_stored` is that of the container where pixels are floats.

    `shift` is by how many bits a stored value stands above the lowest of its container (HighBit).
    `planar`: colours lie plane by plane where they are not compressed.
    """

    keyword: str
    rows: int
    columns: int
    samples: int
    frames: int
    bits_allocated: int
    bits_stored: int
    signed: bool
    photometric: str
    shift: int = 0
    planar: bool = False

    @property
    def is_float(self) -> bool:
        """Whether pixels are stored as floats."""
        return self.keyword != "PixelData"

    @property
    def is_palette(self) -> bool:
        """Whether a value is the number of a colour."""
        return self.photometric == "PALETTE COLOR"

    @property
    def channels(self) -> int:
        """Channels after decoding: a palette has one sample a pixel and becomes three."""
        return 3 if self.is_palette else self.samples

    @property
    def stored_range(self) -> tuple[int, int]:
        """Smallest and largest integer that BitsStored and PixelRepresentation can hold."""
        if self.signed:
            return -(1 << (self.bits_stored - 1)), (1 << (self.bits_stored - 1)) - 1
        return 0, (1 << self.bits_stored) - 1

    @property
    def frame_bits(self) -> int:
        """Bits of one frame where it is not compressed; frames of single bits follow each other without padding."""
        bits = self.rows * self.columns * self.samples * self.bits_allocated
        # Two pixels share their two colour samples: four samples where RGB has six.
        return bits // 3 * 2 if self.photometric == "YBR_FULL_422" else bits

    @property
    def native_bytes(self) -> int:
        """Bytes of all frames where they are not compressed."""
        return (self.frame_bits * self.frames + 7) // 8


def read_pixel_module(dataset: Dataset, keyword: str) -> PixelModule:
    """The module of a dataset whose pixels lie in `keyword`.

    What is empty counts as absent, and what is absent has the value that it has in nearly every image: all bits are
    stored, the highest of them is the last, values are not signed, colours lie pixel by pixel.
    Raises RecordError: unreadable where an attribute lacks or makes no sense, unsupported where it is rare.
    """
    with as_record_error("its description of the pixels cannot be read"):
        rows, columns = _integer(dataset, "Rows"), _integer(dataset, "Columns")
        photometric = _photometric(dataset)
        allocated = _integer(dataset, "BitsAllocated")
        stored = allocated if keyword != "PixelData" else _integer(dataset, "BitsStored", allocated)
        module = PixelModule(
            keyword=keyword,
            rows=rows,
            columns=columns,
            samples=_integer(dataset, "SamplesPerPixel", 3 if photometric in _COLOUR else 1),
            frames=_integer(dataset, "NumberOfFrames", 1) or 1,
            bits_allocated=allocated,
            bits_stored=stored,
            signed=keyword == "PixelData" and _integer(dataset, "PixelRepresentation", 0) == 1,
            photometric=photometric,
            shift=_shift(_integer(dataset, "HighBit", stored - 1), stored, allocated),
            planar=_integer(dataset, "PlanarConfiguration", 0) == 1,
        )
    _check_numbers(module)
    _check_colour(module)
    return module


def check_holds(module: PixelModule, native: bool, stored_bytes: int) -> None:
    """Whether this many bytes can hold these frames: so that no lying header makes anyone reserve memory or plan rows.

    A compressed frame takes at least the eight bytes of its item header. Raises RecordError (unreadable).
    """
    needed = module.native_bytes if native else 8 * module.frames
    if stored_bytes < needed:
        raise RecordError(Status.UNREADABLE, "it holds fewer bytes of pixels than its header asks for")


def normalised(code: object) -> str:
    """A code string (VR CS) as the standard has it: in capitals, without the blanks around it that mean nothing."""
    return str(code or "").strip(" \0").upper()


def _photometric(dataset: Dataset) -> str:
    return normalised(dataset.get("PhotometricInterpretation"))


def _shift(high_bit: int, stored: int, allocated: int) -> int:
    return high_bit + 1 - stored if stored <= high_bit < allocated else 0


def _integer(dataset: Dataset, keyword: str, absent: int | None = None) -> int:
    value = dataset.get(keyword)
    if value is None or (isinstance(value, str) and not value.strip()):
        value = absent
    if not isinstance(value, int):
        raise RecordError(Status.UNREADABLE, f"{keyword} is missing or not a number")
    return int(value)


def _check_numbers(module: PixelModule) -> None:
    if not (0 < module.rows <= _MAX_SIDE and 0 < module.columns <= _MAX_SIDE and module.frames > 0):
        raise RecordError(Status.UNREADABLE, "Rows, Columns or NumberOfFrames is out of range")
    if not 1 <= module.bits_stored <= module.bits_allocated <= 64:
        raise RecordError(Status.UNREADABLE, "BitsAllocated and BitsStored contradict the standard")
    if module.bits_allocated not in _CONTAINERS[module.keyword]:
        raise RecordError(Status.UNSUPPORTED, "BitsAllocated is not 1, 8, 16 or 32 (64 for doubles)")
    if module.is_float and module.photometric == "MONOCHROME1":
        raise RecordError(Status.UNSUPPORTED, "MONOCHROME1 has no meaning for pixels stored as floats")


def _check_colour(module: PixelModule) -> None:
    if not module.photometric:
        raise RecordError(Status.UNREADABLE, "PhotometricInterpretation is missing")
    if module.photometric not in (*_GREY, *_COLOUR):
        raise RecordError(Status.UNSUPPORTED, "its photometric interpretation has no conversion to grey or RGB")
    if module.samples != (3 if module.photometric in _COLOUR else 1):
        raise RecordError(Status.UNREADABLE, "SamplesPerPixel contradicts PhotometricInterpretation")
    if module.photometric.startswith("YBR_FULL") and module.bits_allocated != 8:
        raise RecordError(Status.UNSUPPORTED, "YBR with more than 8 bits has no conversion to RGB")
