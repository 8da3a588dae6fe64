"""MONOCHROME1 images: decoding mirrors their values so that bright means much; windows are meant for the unmirrored."""

from workers.contract import Array
from workers.images.prepare.image import Image

_GREY = ("MONOCHROME1", "MONOCHROME2")


def is_mirrored(image: Image) -> bool:
    """Whether the values of this image were mirrored (low + high - x) when it was decoded."""
    return image.dataset is not None and image.dataset.get("PhotometricInterpretation") == "MONOCHROME1"


def is_grey_dicom(image: Image) -> bool:
    """Whether the image has a DICOM header that calls it MONOCHROME1 or MONOCHROME2."""
    return image.dataset is not None and image.dataset.get("PhotometricInterpretation") in _GREY


def mirrored(values: Array, value_range: tuple[float, float]) -> Array:
    """`low + high - x`: undoes itself."""
    return (value_range[0] + value_range[1]) - values
