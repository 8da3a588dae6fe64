"""Heads that a network learns brain extraction from: what is in them is what their label maps say."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.made_heads import SHAPE, Head, Template, enclosed, made_head, template_of

_SIDES = (197, 233, 189)
_LOW = (-98.0, -134.0, -72.0)


@pytest.fixture(scope="module")
def template() -> Template:
    """A ball of white matter in a shell of grey, with a hollow, where a brain would be."""
    at = np.stack(np.meshgrid(*(np.arange(side) + low for side, low in zip(_SIDES, _LOW, strict=True)), indexing="ij"))
    far = np.linalg.norm(at - np.array([0, -20, 5]).reshape(3, 1, 1, 1), axis=0)
    white, grey = (far < 60) & (far > 12), (far < 68) & (far >= 60)
    affine = np.eye(4)
    affine[:3, 3] = _LOW
    return template_of(grey.astype(np.float32), white.astype(np.float32), affine)


@pytest.fixture(scope="module")
def head(template: Template) -> Head:
    return made_head(template, 1)


def test_what_a_brain_encloses_is_brain(template: Template) -> None:
    assert template.brain.sum() * 8 / 1000 == pytest.approx(4 / 3 * np.pi * 6.8**3, rel=0.03)


def test_a_furrow_narrower_than_six_millimetres_is_brain_and_a_wider_one_is_not() -> None:
    matter = np.ones((40, 40, 40), np.float32)
    matter[10:14, :, 20:] = matter[25:35, :, 20:] = 0
    inside = enclosed(matter)
    assert inside[11:13, 5:35, 21:35].all()
    assert not inside[28:32, 5:35, 32:].any()


def test_the_same_seed_gives_the_same_head_and_another_one_another(template: Template, head: Head) -> None:
    again, other = made_head(template, 1), made_head(template, 2)
    assert np.array_equal(again.voxels, head.voxels)
    assert np.array_equal(again.brain, head.brain)
    assert not np.array_equal(other.brain, head.brain)


def test_the_brain_is_bent_and_no_more_than_that(head: Head) -> None:
    assert head.voxels.shape == head.brain.shape == SHAPE
    assert set(np.unique(head.brain)) == {0, 1}
    assert 0.55 < head.brain.sum() * 8 / 1000 / (4 / 3 * np.pi * 6.8**3) < 1.6


def test_there_is_a_head_around_the_brain_and_air_around_the_head(head: Head) -> None:
    brain = head.voxels[head.brain == 1].astype(np.float64)
    corner = head.voxels[:6, -6:, -6:]
    assert np.median(corner) < 0.3 * np.median(brain)
    i, j, k = (int(np.median(one)) for one in np.nonzero(head.brain))
    outwards = head.voxels[i, j, k:][head.brain[i, j, k:] == 0]
    assert outwards.max() > 2 * np.median(outwards[-5:]) + 20
