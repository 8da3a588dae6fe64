from __future__ import annotations

import nibabel
import numpy as np
import pytest
from monai.transforms import Orientation

from schemas.errors import SpecError
from tests.support.made_volumes import ORIENTATIONS, affine_of, noise, of_monai, tilted, turned, volume
from workers.images.volumes.prepare.axes import codes
from workers.images.volumes.prepare.orient import Orient
from workers.images.volumes.steps import parse_steps

LABELS = (("L", "R"), ("P", "A"), ("I", "S"))


@pytest.mark.parametrize("wanted", ["RAS", "LPS", "SRA", "PIR"])
@pytest.mark.parametrize("axes", ORIENTATIONS)
def test_it_equals_monai_from_each_of_48_orientations(axes: str, wanted: str) -> None:
    made = volume(noise((4, 5, 6), channels=2, dtype=np.int16), turned(affine_of(axes, (0.7, 1.1, 2)), (9, -12, 5)))
    result = Orient(axes=wanted)(made)
    expected = Orientation(axcodes=wanted, labels=LABELS)(of_monai(made))
    np.testing.assert_array_equal(result.voxels, expected.numpy())
    np.testing.assert_allclose(result.grid.affine, expected.affine.numpy(), atol=1e-12)
    assert codes(result.grid.affine) == wanted
    assert result.grid.shape == result.voxels.shape[1:]


def test_the_codes_are_those_of_nibabel_on_any_grid_that_spans_space() -> None:
    rng = np.random.default_rng(3)
    for _ in range(300):
        affine = np.eye(4)
        affine[:3, :3] = rng.normal(size=(3, 3))
        assert codes(affine) == "".join(nibabel.aff2axcodes(affine))


@pytest.mark.parametrize("share", [0.3, -0.9])
def test_a_tilted_series_is_oriented_as_monai_orients_it(share: float) -> None:
    made = volume(noise((4, 5, 6)), tilted(affine_of("LPI", (0.5, 0.5, 2.4)), share))
    expected = Orientation(axcodes="RAS", labels=LABELS)(of_monai(made))
    result = Orient()(made)
    np.testing.assert_array_equal(result.voxels, expected.numpy())
    np.testing.assert_allclose(result.grid.affine, expected.affine.numpy(), atol=1e-12)


def test_it_is_a_view() -> None:
    made = volume(noise((4, 5, 6)), affine_of("LPS", (1, 1, 1)))
    assert np.shares_memory(Orient()(made).voxels, made.voxels)


@pytest.mark.parametrize("axes", ["RAX", "RA", "RRS", "RLS", "ras", ""])
def test_codes_that_are_no_three_axes_are_refused(axes: str) -> None:
    with pytest.raises(SpecError, match=r"orient: axes: .*(three letters|one letter)"):
        parse_steps([{"orient": {"axes": axes}}])
