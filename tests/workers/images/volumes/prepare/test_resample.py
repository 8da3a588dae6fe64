from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from monai.transforms import Spacing
from scipy import ndimage
from skimage.transform import resize

from tests.support.made_volumes import affine_of, noise, of_monai, tilted, turned, volume
from workers.images.volumes.prepare.resample import Resample
from workers.images.volumes.volume import Volume

torch.set_num_threads(2)
GRIDS: dict[str, Any] = {
    "axial": affine_of("LPS", (0.7, 0.7, 2.5)),
    "sagittal": affine_of("AIR", (1.1, 0.9, 1.5)),
    "oblique": turned(affine_of("RAS", (0.8, 1.3, 3)), (8, -21, 33)),
    "nearly_oblique": turned(affine_of("RAS", (0.8, 1.3, 3)), (1, 2, 3)).astype(np.float32).astype(float),
    "tilted": tilted(affine_of("LPS", (0.5, 0.5, 2.4)), 0.9),
    "tilted_back": tilted(affine_of("LPI", (0.5, 0.6, 2.4)), -0.4),
    "sheared": turned(tilted(affine_of("LPI", (0.5, 0.6, 2.4)), -0.4) @ np.array(
        [[1, 0.1, 0.2, 0], [0, 1, 0.3, 0], [0.05, 0, 1, 0], [0, 0, 0, 1]]), (3, 4, 5)),
}  # fmt: skip
SPACINGS = [(1.5, 1.5, 1.5), (0.4, 2.0, 1.0), (0, 1, 5)]


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("grid", GRIDS)
def test_linear_equals_monai_spacing(grid: str, spacing: Any, align_corners: bool) -> None:
    made = volume(noise((17, 14, 9), channels=2), GRIDS[grid])
    result = Resample(spacing=spacing, align_corners=align_corners)(made)
    expected = Spacing(spacing, mode="bilinear", align_corners=align_corners)(of_monai(made))
    assert result.voxels.shape == tuple(expected.shape)
    assert result.voxels.dtype == np.float32
    np.testing.assert_allclose(result.grid.affine, expected.affine.numpy(), atol=1e-9)
    np.testing.assert_allclose(result.voxels, expected.numpy(), atol=1e-5 * np.abs(made.voxels).max())


@pytest.mark.parametrize("spacing", [(1.51, 1.52, 1.53), (0.41, 2.02, 1.03), (0, 1.01, 5.1)])
@pytest.mark.parametrize("grid", GRIDS)
def test_nearest_equals_monai_to_the_voxel(grid: str, spacing: Any) -> None:
    made = volume(noise((17, 14, 9), dtype=np.int16), GRIDS[grid])
    result = Resample(spacing=spacing, method="nearest")(made)
    expected = Spacing(spacing, mode="nearest")(of_monai(made))
    np.testing.assert_array_equal(result.voxels, expected.numpy())


def test_places_half_way_between_two_voxels_are_rounded_as_monai_rounds_them() -> None:
    for side in range(2, 40):
        made = volume(noise((side, 3, 3), seed=side), affine_of("RAS", (2, 1, 1)))
        result = Resample(spacing=(1, 1, 1), method="nearest")(made)
        np.testing.assert_array_equal(result.voxels, Spacing((1, 1, 1), mode="nearest")(of_monai(made)).numpy())


def test_a_spacing_that_is_there_already_changes_no_voxel() -> None:
    made = volume(noise((5, 6, 7), dtype=np.int16), affine_of("LPS", (0.7004, 0.7, 2.5)))
    result = Resample(spacing=(0.7, 0.7, 2.5))(made)
    np.testing.assert_array_equal(result.voxels, made.voxels)
    assert result.voxels.dtype == np.float32
    assert result.back == ()
    assert Spacing((0.7, 0.7, 2.5))(of_monai(made)).shape == result.voxels.shape


@pytest.mark.parametrize("grid", ["axial", "sagittal", "oblique"])
def test_splines_equal_monai_mode_3(grid: str) -> None:
    made = volume(noise((17, 14, 9), channels=2), GRIDS[grid])
    result = Resample(spacing=(0.5, 1.5, 2), method="spline")(made)
    expected = Spacing((0.5, 1.5, 2), mode=3, padding_mode="nearest")(of_monai(made))
    np.testing.assert_allclose(result.voxels, expected.numpy(), atol=1e-5 * np.abs(made.voxels).max())


def test_splines_equal_simpleitk_inside_where_its_mirrored_border_does_not_reach() -> None:
    made = volume(ndimage.gaussian_filter(noise((40, 41, 42)), 0.7, axes=(1, 2, 3)), affine_of("RAS", (1, 1, 1)))
    result = Resample(spacing=(0.8, 1.3, 0.7), method="spline")(made)
    image = sitk.GetImageFromArray(made.voxels[0].transpose(2, 1, 0))
    filtered = sitk.ResampleImageFilter()
    filtered.SetInterpolator(sitk.sitkBSpline)
    filtered.SetOutputSpacing((0.8, 1.3, 0.7))
    filtered.SetSize(result.voxels.shape[1:])
    expected = sitk.GetArrayFromImage(filtered.Execute(image)).transpose(2, 1, 0)
    inner = tuple(slice(14, side - 14) if side > 40 else slice(9, side - 9) for side in expected.shape)
    np.testing.assert_allclose(result.voxels[0][inner], expected[inner], atol=1e-4 * np.abs(made.voxels).max())


def _nnunet(made: Volume, shape: tuple[int, ...], order: int, axis: int | None) -> Any:
    """nnU-Net's `resample_data_or_seg` by its own means: scikit-image, and SciPy for the axis on its own."""
    voxels = made.voxels[0].astype(float)
    if axis is None:
        return resize(voxels, shape, order, mode="edge", anti_aliasing=False)
    flat = tuple(side for a, side in enumerate(shape) if a != axis)
    planes = [resize(plane, flat, order, mode="edge", anti_aliasing=False) for plane in np.moveaxis(voxels, axis, 0)]
    stacked = np.stack(planes, axis)
    grids = np.mgrid[tuple(slice(side) for side in shape)]
    places = [old / new * (grid + 0.5) - 0.5 for old, new, grid in zip(stacked.shape, shape, grids, strict=True)]
    return ndimage.map_coordinates(stacked, np.array(places), order=0, mode="nearest")


@pytest.mark.parametrize("method", ["linear", "spline"])
@pytest.mark.parametrize(
    ("spacing", "wanted", "axis"),
    [
        ((0.8, 0.9, 1.0), (1.5, 1.5, 1.5), None),
        ((2.0, 1.7, 1.4), (1.0, 0.9, 1.0), None),
        ((0.7, 0.7, 3.0), (1.0, 0.9, 1.5), 2),
        ((4.0, 0.7, 0.9), (5.0, 1.2, 1.2), 0),
        ((1.0, 1.0, 1.0), (0.5, 2.0, 0.5), 1),
        ((0.24, 1.25, 1.25), (1, 1, 1), None),
    ],
)
def test_it_equals_nnunet(method: Any, spacing: Any, wanted: Any, axis: int | None) -> None:
    made = volume(noise((21, 18, 13)), affine_of("LPS", spacing))
    result = Resample(spacing=wanted, like="nnunet", method=method)(made)
    shape = tuple(round(old / new * side) for old, new, side in zip(spacing, wanted, (21, 18, 13), strict=True))
    expected = _nnunet(made, shape, 3 if method == "spline" else 1, axis)
    np.testing.assert_allclose(result.voxels[0], expected, atol=2e-6 * np.abs(made.voxels).max())
    corner = result.grid.affine @ [-0.5, -0.5, -0.5, 1]
    np.testing.assert_allclose(corner, made.grid.affine @ [-0.5, -0.5, -0.5, 1])
