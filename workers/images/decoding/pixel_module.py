"""The attributes that say how pixels are stored (PS3.3 C.7.6.3), checked before anything is decoded."""

from dataclasses import dataclass

from pydicom import Dataset

from schemas.errors import RecordError
from schemas.status import Status
from workers.images.decoding.fence import as_record_error

_SUPPORTED_PHOTOMETRIC = frozenset(
    {
        "MONOCHROME1",
        "MONOCHROME2",
        "PALETTE COLOR",
        "RGB",
        "YBR_FULL",
        "YBR_FULL_422",
        "YBR_ICT",
        "YBR_RCT",
    }
)
_CONTAINERS = {"PixelData": (1, 8, 16, 32), "FloatPixelData": (32,), "DoubleFloatPixelData": (64,)}
_MAX_SIDE = 65_535


@dataclass(frozen=True)
class PixelModule:
    """How one frame is stored. `bits_stored` is that of the container where pixels are floats."""

    keyword: str
    rows: int
    columns: int
    samples: int
    frames: int
    bits_allocated: int
    bits_stored: int
    signed: bool
    photometric: str

    @property
    def is_float(self) -> bool:
        """Whether pixels are stored as floats."""
        return self.keyword != "PixelData"

    @property
    def channels(self) -> int:
        """Channels after decoding: a palette has one sample a pixel and becomes three."""
        return 3 if self.photometric == "PALETTE COLOR" else self.samples

    @property
    def stored_range(self) -> tuple[int, int]:
        """Smallest and largest integer that BitsStored and PixelRepresentation can hold."""
        if self.signed:
            return -(1 << (self.bits_stored - 1)), (1 << (self.bits_stored - 1)) - 1
        return 0, (1 << self.bits_stored) - 1

    @property
    def native_bytes(self) -> int:
        """Bytes of all frames where they are not compressed."""
        bits = self.rows * self.columns * self.samples * self.frames * self.bits_allocated
        if self.photometric == "YBR_FULL_422":
            # Two pixels share their two colour samples: four samples where RGB has six.
            bits = bits // 3 * 2
        return (bits + 7) // 8


def read_pixel_module(dataset: Dataset, keyword: str) -> PixelModule:
    """The module of a dataset whose pixels lie in `keyword`.

    Raises RecordError: unreadable where an attribute lacks or makes no sense, unsupported where it is rare.
    """
    with as_record_error("its description of the pixels cannot be read"):
        module = PixelModule(
            keyword=keyword,
            rows=_integer(dataset, "Rows"),
            columns=_integer(dataset, "Columns"),
            samples=_integer(dataset, "SamplesPerPixel"),
            frames=_frames(dataset),
            bits_allocated=_integer(dataset, "BitsAllocated"),
            bits_stored=_integer(dataset, "BitsStored" if keyword == "PixelData" else "BitsAllocated"),
            signed=keyword == "PixelData" and _integer(dataset, "PixelRepresentation") == 1,
            photometric=str(dataset.get("PhotometricInterpretation") or "").strip(),
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


def _integer(dataset: Dataset, keyword: str) -> int:
    value = dataset.get(keyword)
    if not isinstance(value, int):
        raise RecordError(Status.UNREADABLE, f"{keyword} is missing or not a number")
    return int(value)


def _frames(dataset: Dataset) -> int:
    """NumberOfFrames; absent, empty or 0 means 1, as pydicom has it."""
    return _integer(dataset, "NumberOfFrames") if dataset.get("NumberOfFrames") else 1


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
    if module.photometric not in _SUPPORTED_PHOTOMETRIC:
        raise RecordError(Status.UNSUPPORTED, "its photometric interpretation has no conversion to grey or RGB")
    colour = module.photometric not in ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
    if module.samples != (3 if colour else 1):
        raise RecordError(Status.UNREADABLE, "SamplesPerPixel contradicts PhotometricInterpretation")
    if module.photometric.startswith("YBR_FULL") and module.bits_allocated != 8:
        raise RecordError(Status.UNSUPPORTED, "YBR with more than 8 bits has no conversion to RGB")
