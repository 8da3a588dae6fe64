"""Slices to volumes: the ordinary case."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tests.support.series import T1, facts_of, made, matrix, only, real_slices, volumes_of
from workers.images.series.plan_volumes import plan_volumes


def _lps_to_ras(point: np.ndarray) -> np.ndarray:
    return point * np.array([-1.0, -1.0, 1.0])


def test_a_clean_series_is_one_volume_whose_affine_leads_to_each_pixel_as_dicom_has_it():
    slices = made()
    volume = only(volumes_of(slices))
    assert (volume.status, volume.shape) == (None, (5, 6, 8))
    assert volume.spacing == pytest.approx((0.75, 0.5, 2.0), abs=1e-4)
    for placed, slice_ in zip(volume.slices, slices, strict=True):
        vectors = np.array(slice_.ImageOrientationPatient, float)
        # PS3.3 C.7.6.2.1.1: along a row, columns lie the second of PixelSpacing apart.
        there = np.array(slice_.ImagePositionPatient, float) + vectors[:3] * 0.75 * 3 + vectors[3:] * 0.5 * 4
        assert matrix(volume) @ [3, 4, placed.index, 1] == pytest.approx([*_lps_to_ras(there), 1], abs=1e-4)


def test_the_order_of_the_objects_does_not_matter():
    facts = facts_of(made())
    shuffled = random.Random(1).sample(facts, len(facts))
    assert plan_volumes(shuffled) == plan_volumes(facts)


def test_a_real_series_has_its_spacing_and_every_slice_by_its_instance():
    slices = real_slices(T1)
    volume = only(volumes_of(random.Random(2).sample(slices, len(slices))))
    assert volume.status is None
    assert volume.spacing == pytest.approx((0.699988, 0.666667, 0.666667), abs=1e-3)
    assert [placed.sop_uid for placed in volume.slices] == [slice_.SOPInstanceUID for slice_ in slices]
