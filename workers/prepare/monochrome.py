"""MONOCHROME1 images: decoding mirrors their values so that bright means much; windows are meant for the unmirrored."""

from __future__ import annotations

from workers.contract import Array, Image


def is_mirrored(image: Image) -> bool:
    """Whether the values of this image were mirrored (low + high - x) when it was decoded."""
    return image.dataset is not None and image.dataset.get("PhotometricInterpretation") == "MONOCHROME1"


def mirrored(values: Array, value_range: tuple[float, float]) -> Array:
    """`low + high - x`: undoes itself."""
    return (value_range[0] + value_range[1]) - values
