"""A decoded frame, and what a prepare step does with it."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Protocol

from workers.contract import Array

if TYPE_CHECKING:
    from pydicom import Dataset

Range = tuple[float, float]
"""Smallest and largest value."""

ANY: Range = (-inf, inf)
"""No range of values: floats as they are stored, or values told by the image's own statistics."""


@dataclass(frozen=True)
class Image:
    """One decoded frame.

    `pixels` is (rows, columns) or (rows, columns, channels). For DICOM these are modality values in the order that
    docs/pixels.md gives. `value_range` is the smallest and largest value that the stored type can give after the
    same mapping: (0, 255) for 8 bit. `spacing` is mm between rows and between columns. `dataset` is the DICOM header,
    for steps that need it (`voi`).
    """

    pixels: Array
    value_range: Range
    spacing: tuple[float, float] | None = None
    dataset: Dataset | None = None


class Step(Protocol):
    """One prepare step: a frozen pydantic model of its settings that is called with an image.

    Raises RecordError where this image cannot be prepared.
    """

    def __call__(self, image: Image) -> Image:
        """The image after the step."""

    def stated_range(self, value_range: Range | None) -> Range | None:
        """The `value_range` after the step, told without an image: see `workers.images.prepare.base.PrepareStep`."""
