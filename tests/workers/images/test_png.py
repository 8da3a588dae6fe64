"""Pixels as a PNG file, as another library reads it."""

import io

import numpy as np
import pytest
from PIL import Image

from workers.images.png import png_of


@pytest.mark.parametrize(("shape", "dtype"), [((5, 7), "uint8"), ((5, 7, 3), "uint8"), ((5, 7), "uint16")])
def test_pillow_reads_the_pixels_that_were_written(shape: tuple[int, ...], dtype: str) -> None:
    pixels = np.random.default_rng(1).integers(0, np.iinfo(dtype).max, shape).astype(dtype)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png_of(pixels)))), pixels)
