"""Classes on the grid of the prepared volume, and where patches lie."""

from __future__ import annotations

import numpy as np
import pytest

from tests.workers.images.volumes.training.support import rows
from workers.images.volumes.prepare.plan import prepared
from workers.images.volumes.steps import parse_steps
from workers.images.volumes.training.classes import UNKNOWN, classes_of, unnamed_values
from workers.images.volumes.training.on_grid import on_grid
from workers.images.volumes.training.patches import drawn
from workers.images.volumes.training.shown import ShownVolumes, narrowed, some_places
from workers.images.volumes.volume import Grid, Volume
from workers.training.job.settings import Output

AFFINE = np.diag([1.0, 1.0, 2.0, 1.0])


def made() -> tuple[np.ndarray, Grid]:
    classes = np.random.default_rng(0).integers(0, 3, (8, 9, 7)).astype(np.int16)
    return classes, Grid((8, 9, 7), AFFINE)


def test_turned_and_cropped_classes_are_those_of_the_steps_themselves() -> None:
    classes, grid = made()
    steps = parse_steps([{"orient": {"axes": "LPI"}}])
    volume = prepared(steps, Volume(classes[None], grid))
    assert np.array_equal(on_grid(classes, grid, volume.grid), volume.voxels[0])


def test_finer_classes_have_the_largest_share() -> None:
    grid = Grid((20, 20, 20), np.eye(4))
    at = np.stack(np.meshgrid(*[np.arange(20)] * 3, indexing="ij"), -1)
    classes = (np.linalg.norm(at - 9.5, axis=-1) < 7).astype(np.int16) * 2
    (step,) = parse_steps([{"resample": {"spacing": [0.5, 0.5, 0.5]}}])
    volume = prepared([step], Volume(classes[None].astype(np.float32), grid))
    share = volume.voxels[0] / 2
    sure = np.abs(share - 0.5) > 1e-4
    assert np.array_equal((on_grid(classes, grid, volume.grid) == 2)[sure], (share > 0.5)[sure])
    assert sure.mean() > 0.9


def test_outside_there_is_background_and_what_is_unknown_stays_so() -> None:
    classes = np.full((4, 4, 4), UNKNOWN, np.int16)
    shifted = np.eye(4)
    shifted[0, 3] = 2
    found = on_grid(classes, Grid((4, 4, 4), np.eye(4)), Grid((4, 4, 4), shifted))
    assert (found[:2] == UNKNOWN).all()
    assert not found[2:].any()


def test_values_become_classes() -> None:
    output = Output(task="segmentation", structures={"one": [1, 4], "other": 3}, ignored=[9])
    values = np.array([0, 1, 2, 3, 4, 9])
    assert classes_of(values, output).tolist() == [0, 1, 0, 2, 1, UNKNOWN]
    assert unnamed_values(values, output) == [2]
    with pytest.raises(ValueError, match="value 4 stands there twice"):
        Output(task="segmentation", structures={"one": [1, 4], "other": 4})


@pytest.mark.parametrize(
    ("values", "kind"), [([0, 255], "uint8"), ([-1, 5], "int8"), ([0, 65535], "uint16"), ([0.5, 1], "float32")]
)
def test_voxels_are_kept_in_the_narrowest_type_without_loss(values: list[float], kind: str) -> None:
    found = narrowed(np.array(values, np.float32))
    assert found.dtype == kind
    assert found.tolist() == values


def test_a_third_of_the_patches_at_least_have_a_structure_within() -> None:
    classes = np.zeros((60, 60, 60), np.int16)
    classes[5, 6, 7], classes[50:52, 50:52, 50:52] = 1, 2
    (volume,) = ShownVolumes(rows(1))
    volume = type(volume)(np.zeros((1, 60, 60, 60), np.float32), classes, some_places(classes), (1, 1, 1))
    chance, seen = np.random.default_rng(0), {0: 0, 1: 0, 2: 0}
    for _ in range(600):
        patch = drawn(volume, (8, 8, 8), 1 / 3, chance)
        box = tuple(slice(int(at - 3.5), int(at + 4.5)) for at in patch.middle)
        assert classes[box].shape == (8, 8, 8)
        for number in seen:
            seen[number] += bool((classes[box] == number).any())
    assert seen[1] > 600 / 3 / 2 * 0.7
    assert seen[2] > 600 / 3 / 2 * 0.7
    assert 600 / 3 * 0.8 < seen[1] + seen[2] < 600 / 3 * 1.5
