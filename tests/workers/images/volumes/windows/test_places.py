"""Windows lie where MONAI and nnU-Net put them."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from monai.data.utils import dense_patch_slices
from monai.inferers.utils import _get_scan_interval

from workers.images.volumes.card import Windows
from workers.images.volumes.windows.places import cut, monai_starts, nnunet_starts

OVERLAPS = (0.0, 0.1, 0.25, 0.3, 0.5, 0.625, 0.7, 0.9, 0.999)


@pytest.mark.parametrize("overlap", OVERLAPS)
def test_starts_are_those_of_monai(overlap: float) -> None:
    for roi, size in product((1, 2, 7, 16), (16, 17, 23, 31, 32, 33, 64, 97)):
        step = _get_scan_interval((size,), (roi,), 1, (overlap,))
        expected = tuple(one[0].start for one in dense_patch_slices((size,), (roi,), step))
        assert (monai_starts(size, roi, overlap) if size > roi else (0,)) == expected, (roi, size)


def test_all_windows_and_their_order_are_those_of_monai() -> None:
    size, roi, overlap = (30, 21, 19), (16, 8, 19), (0.5, 0.25, 0.625)
    expected = dense_patch_slices(size, roi, _get_scan_interval(size, roi, 3, overlap))
    found = cut(Windows(roi=roi, overlap=overlap), size)
    assert list(found) == [tuple(part.start for part in one) for one in expected]
    assert found.count == len(expected)


def nnunet_reference(size: int, tile: int, step: float) -> list[int]:
    """The rule of nnU-Net's `compute_steps_for_sliding_window`, by numpy's rounding."""
    count = int(np.ceil((size - tile) / (tile * step))) + 1
    if count == 1:
        return [0]
    return np.round((size - tile) / (count - 1) * np.arange(count)).astype(int).tolist()


@pytest.mark.parametrize("step", [0.1, 0.3, 0.5, 0.7, 0.8, 1.0])
def test_even_starts_are_those_of_nnunet(step: float) -> None:
    for tile, size in product((2, 7, 16, 64), (64, 65, 97, 110, 128)):
        assert nnunet_starts(size, tile, 1 - step) == tuple(nnunet_reference(size, tile, step)), (tile, size)


def test_the_example_of_nnunet() -> None:
    """ "If we have image size of 110, patch size of 64 and step_size of 0.5", its source says, "0, 23, 46"."""
    assert nnunet_starts(110, 64, 0.5) == (0, 23, 46)


def test_a_side_below_one_is_the_volumes_own() -> None:
    found = cut(Windows(roi=(8, -1, 0)), (20, 13, 5))
    assert found.roi == (8, 13, 5)
    assert found.starts[1:] == ((0,), (0,))


def test_without_windows_there_is_one_of_the_whole_volume() -> None:
    assert list(cut(None, (3, 4, 5))) == [(0, 0, 0)]


def test_a_volume_smaller_than_a_window_lies_in_its_middle() -> None:
    found = cut(Windows(roi=(8, 8, 8)), (3, 8, 20))
    assert found.padded == (8, 8, 20)
    assert found.before == (2, 0, 0)
