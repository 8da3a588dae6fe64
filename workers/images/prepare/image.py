"""A decoded frame, and what a prepare step does with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pydicom import Dataset
from workers.contract import Array


@dataclass(frozen=True)
class Image:
    """One decoded frame.

    `pixels` is (rows, columns) or (rows, columns, channels). For DICOM these are modality values in the order that
    docs/pixels.md gives. `value_range` is the smallest and largest value that the stored type can give after the
    same mapping: (0, 255) for 8 bit. `spacing` is mm between rows and between columns. `dataset` is the DICOM header,
    for steps that need it (`voi`).
    """

    pixels: Array
    value_range: tuple[float, float]
    spacing: tuple[float, float] | None = None
    dataset: Dataset | None = None


class Step(Protocol):
    """One prepare step: a frozen pydantic model of its settings that is called with an image.

    Raises RecordError where this image cannot be prepared.
    """

    def __call__(self, image: Image) -> Image:
        """The image after the step."""
