"""What every prepare step shares: frozen settings, a check of its input, and the way it rejects an image."""

import dataclasses
from typing import Annotated, ClassVar

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Array
from workers.images.prepare.image import Image, Range

MAX_PIXELS = 2**27
"""No step makes an image of more pixels than this: an extreme shape must not exhaust a worker's memory."""

_NUMERIC = "buif"


def _odd(size: int) -> int:
    if size % 2 == 0:
        raise ValueError("must be odd")
    return size


Odd = Annotated[int, AfterValidator(_odd)]
"""The side of a neighbourhood with a middle."""


class PrepareStep(BaseModel):
    """Settings of one step, callable with an image.

    A step never writes to the pixels it is given, and gives the same bits for the same input. It takes pixels of any
    real dtype, (rows, columns) or (rows, columns, channels), and rejects an image without pixels; a subclass says
    what else it rejects, and what it does to dtype, `value_range` and `spacing` (otherwise both stay as they are).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: ClassVar[str]

    def __call__(self, image: Image) -> Image:
        """The image after the step. Raises RecordError (out_of_contract) where it does not apply."""
        pixels = image.pixels
        if pixels.ndim not in (2, 3) or pixels.dtype.kind not in _NUMERIC:
            raise self.reject(f"needs real numbers in 2 or 3 axes, has {pixels.ndim} axes of {pixels.dtype}")
        if pixels.size == 0:
            raise self.reject("the image has an axis of length 0")
        if pixels.dtype == np.bool_:
            image = replaced(image, pixels.view(np.uint8))
        return self.apply(image)

    def apply(self, image: Image) -> Image:
        """The step itself, on an image that was checked; bool came as uint8."""
        raise NotImplementedError(type(self).__name__)

    def stated_range(self, value_range: Range | None) -> Range | None:
        """The `value_range` after the step, told from its settings alone; None where it depends on the image.

        `value_range` is that before the step, None where it depends on the image.
        """
        return value_range

    def reject(self, why: str) -> RecordError:
        """The error of an image that this step cannot take."""
        return RecordError(Status.OUT_OF_CONTRACT, f"prepare step {self.name!r}: {why}")

    def require_finite(self, pixels: Array) -> None:
        """Reject pixels with NaN or an infinity."""
        if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
            raise self.reject("the image has NaN or infinite values")

    def require_range(self, image: Image) -> Range:
        """The `value_range`; an image without one (float pixels have none) is rejected."""
        if not all(np.isfinite(image.value_range)):
            raise self.reject(
                "the pixels' type has no range of values: put `min_max`, `percentile`, `window` or `value_range` before"
            )
        return image.value_range

    def require_size(self, rows: int, columns: int) -> None:
        """Reject a result of more than MAX_PIXELS."""
        if rows * columns > MAX_PIXELS:
            raise self.reject(f"the result would have more than {MAX_PIXELS} pixels: the image is too long and narrow")


def replaced(
    image: Image,
    pixels: Array,
    *,
    value_range: Range | None = None,
    spacing: tuple[float, float] | None = None,
) -> Image:
    """`image` with other pixels, and with another value range or spacing where given."""
    return dataclasses.replace(
        image,
        pixels=pixels,
        value_range=image.value_range if value_range is None else value_range,
        spacing=image.spacing if spacing is None else spacing,
    )
