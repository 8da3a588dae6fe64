"""Patches and steps: the plans that nnU-Net published for the Decathlon's tasks."""

from __future__ import annotations

import math

import pytest

from workers.images.volumes.training.topology import shrinking, topology_of


def test_of_the_hippocampus_it_is_the_published_plan() -> None:
    found = topology_of((1, 1, 1), (36, 50, 35), 128**3)
    assert found.patch == (40, 56, 40)
    assert found.strides == ((2, 2, 2),) * 3
    assert found.kernels == ((3, 3, 3),) * 4


def test_an_axis_of_thick_slices_waits_until_the_others_have_come_to_its_spacing() -> None:
    prostate = shrinking((3.6, 0.62, 0.62), (20, 320, 256))
    assert prostate.strides[:2] == ((1, 2, 2), (1, 2, 2))
    assert prostate.kernels[0] == (1, 3, 3)
    assert (2, 2, 2) in prostate.strides
    assert math.prod(stride[0] for stride in prostate.strides) == 4


def test_a_patch_is_divisible_by_its_steps_and_within_the_budget() -> None:
    for spacing, shape in [((1, 1, 1), (512, 512, 300)), ((0.8, 0.8, 5), (400, 400, 30)), ((1, 1, 1), (240, 240, 155))]:
        for budget in (16**3, 64**3, 128**3):
            found = topology_of(spacing, shape, budget)
            assert math.prod(found.patch) <= budget
            for axis in range(3):
                assert found.patch[axis] % math.prod(stride[axis] for stride in found.strides) == 0


def test_a_large_volume_has_a_patch_of_its_proportions() -> None:
    found = topology_of((1, 1, 1), (512, 512, 512), 128**3)
    assert found.patch == (128, 128, 128)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 64, 64), (3, 5, 7)])
def test_a_tiny_volume_has_a_patch_too(shape: tuple[int, int, int]) -> None:
    found = topology_of((1, 1, 1), shape, 128**3)
    assert all(side >= 1 for side in found.patch)
    assert found.patch == shape or math.prod(found.patch) >= math.prod(shape)
