"""`gaussian`: smoothing by a Gaussian kernel."""

from typing import ClassVar, Literal

from pydantic import Field

from workers.images.prepare.base import Odd, PrepareStep, replaced
from workers.images.prepare.image import Image
from workers.images.prepare.libraries import opencv
from workers.images.prepare.pixels import filterable


class Gaussian(PrepareStep):
    """OpenCV `GaussianBlur` with standard deviation `sigma` in pixels, each channel on its own.

    The kernel is `size` pixels wide (odd); by default OpenCV's own choice, about 3 sigma to each side for 8 bit and 4
    for the rest. `border`: reflect101 (dcb|abcd|cba), reflect (cba|abcd|dcb), replicate (aaa|abcd|ddd).
    uint8, uint16, int16 and float32 keep their dtype, integers rounded; int8 becomes int16 and all else
    float32. Rejects NaN and infinities.
    """

    name: ClassVar[str] = "gaussian"

    sigma: float = Field(gt=0, le=200, description="standard deviation in pixels")
    size: Odd | None = Field(
        default=None, ge=1, le=1001, description="pixels across the kernel, odd; by default OpenCV's own choice"
    )
    border: Literal["reflect101", "reflect", "replicate"] = Field(
        default="reflect101", description="how pixels beyond the border are made up"
    )

    def apply(self, image: Image) -> Image:
        self.require_finite(image.pixels)
        cv2 = opencv()
        border = {
            "reflect101": cv2.BORDER_REFLECT_101,
            "reflect": cv2.BORDER_REFLECT,
            "replicate": cv2.BORDER_REPLICATE,
        }
        pixels = filterable(image.pixels)
        kernel = (self.size or 0, self.size or 0)
        result = cv2.GaussianBlur(pixels, kernel, self.sigma, borderType=border[self.border])
        return replaced(image, result.reshape(pixels.shape))
