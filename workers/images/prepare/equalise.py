"""`equalise`: histogram equalisation."""

from typing import ClassVar

import numpy as np

from workers.contract import Array
from workers.images.prepare.base import PrepareStep
from workers.images.prepare.image import Image
from workers.images.prepare.libraries import opencv
from workers.images.prepare.lightness import on_lightness


class Equalise(PrepareStep):
    """Histogram equalisation: OpenCV `equalizeHist` for uint8, the same formula with 65536 bins for uint16.

    `(cdf(x) - c) / (n - c) * top`, rounded half to even, where c counts the pixels of the lowest value, n all pixels
    and top is the largest value of the dtype. A constant image stays as it is. dtype kept, `value_range` becomes that
    of the dtype. 8 bit RGB: on the lightness of CIE L*a*b*. Other dtypes, channels and 16 bit colour are rejected.
    """

    name: ClassVar[str] = "equalise"

    def apply(self, image: Image) -> Image:
        return on_lightness(self, image, _equalised)


def _equalised(plane: Array) -> Array:
    if plane.dtype == np.uint8:
        result: Array = opencv().equalizeHist(plane)
        return result
    counts = np.bincount(plane.ravel(), minlength=2**16)
    lowest = counts[plane.min()]
    if lowest == plane.size:
        return plane
    share = (np.cumsum(counts) - lowest) / (plane.size - lowest)
    return np.take(np.rint(np.maximum(share, 0) * (2**16 - 1)).astype(np.uint16), plane)
