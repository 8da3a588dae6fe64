"""`resize_limit`: as the text detectors of PP-OCR size their input."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from workers.images.prepare.base import PrepareStep, replaced
from workers.images.prepare.canvas import Side
from workers.images.prepare.image import Image
from workers.images.prepare.pixels import rescaled_spacing
from workers.images.prepare.resampling import Method, resampled


class ResizeLimit(PrepareStep):
    """Scale so that the shortest side is at least `limit` (`min`), or the longest at most `limit` (`max`).

    An image within the limit keeps its size. Both sides are cut to integers, then rounded (half to even) to the
    nearest multiple of `multiple_of`, so the aspect ratio changes a little: `DetPreProcess.resize` of PP-OCR and
    RapidOCR, by OpenCV. dtypes as `resize` with OpenCV; `spacing` is scaled. Rejects NaN and infinities, a side that
    rounds to 0, and a result above 2**27 pixels.
    """

    name: ClassVar[str] = "resize_limit"

    limit: Side = Field(default=736, description="pixels of the side")
    limit_type: Literal["min", "max"] = Field(
        default="min", description="whether the shortest side is at least limit (min), or the longest at most (max)"
    )
    multiple_of: Annotated[int, Field(ge=1, le=4096)] = Field(
        default=32, description="both sides become the nearest multiple of it"
    )
    method: Literal["nearest", "bilinear", "area", "cubic", "lanczos"] = Field(
        default="bilinear", description="how pixels are resampled, by OpenCV"
    )

    def apply(self, image: Image) -> Image:
        self.require_finite(image.pixels)
        rows, columns = self.target(*image.pixels.shape[:2])
        if rows == 0 or columns == 0:
            raise self.reject(f"a side rounds to 0 as a multiple of {self.multiple_of}: the image is too narrow")
        self.require_size(rows, columns)
        method: Method = self.method
        pixels = resampled(image.pixels, rows, columns, method, "opencv")
        return replaced(image, pixels, spacing=rescaled_spacing(image, rows, columns))

    def target(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of the result for an image of `height` x `width`."""
        edge = min(height, width) if self.limit_type == "min" else max(height, width)
        outside = edge < self.limit if self.limit_type == "min" else edge > self.limit
        ratio = float(self.limit) / edge if outside else 1.0
        return self._to_multiple(int(height * ratio)), self._to_multiple(int(width * ratio))

    def _to_multiple(self, side: int) -> int:
        return round(side / self.multiple_of) * self.multiple_of
