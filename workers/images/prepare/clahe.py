"""`clahe`: contrast limited adaptive histogram equalisation."""

from typing import Annotated, ClassVar

from pydantic import Field

from workers.contract import Array
from workers.images.prepare.base import PrepareStep
from workers.images.prepare.image import Image
from workers.images.prepare.libraries import opencv
from workers.images.prepare.lightness import on_lightness

Tiles = Annotated[int, Field(ge=1, le=256)]


class Clahe(PrepareStep):
    """OpenCV `createCLAHE` with `clip_limit` (times the mean of a histogram bin) and `tiles` (rows, columns).

    uint8 and uint16, dtype kept; 16 bit uses all 65536 bins, whatever `value_range`, and spreads over all of them.
    8 bit RGB: on the lightness of CIE L*a*b*. Other dtypes, channels and 16 bit colour are rejected.
    `value_range` becomes that of the dtype.
    """

    name: ClassVar[str] = "clahe"

    clip_limit: float = Field(
        default=2.0, gt=0, description="times the mean of a histogram bin at which bins are clipped"
    )
    tiles: tuple[Tiles, Tiles] = Field(default=(8, 8), description="rows and columns of tiles")

    def apply(self, image: Image) -> Image:
        rows, columns = self.tiles

        def contrast(plane: Array) -> Array:
            result: Array = opencv().createCLAHE(self.clip_limit, (columns, rows)).apply(plane)
            return result

        return on_lightness(self, image, contrast)
