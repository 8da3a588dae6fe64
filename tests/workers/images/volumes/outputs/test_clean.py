"""Tidying of masks: equal to MONAI, whatever the order of voxels; what is not meant stays."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from monai.transforms import FillHoles, KeepLargestConnectedComponent
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy import ndimage

from tests.support.marked_volumes import card, marked, origin, planted
from workers.images.volumes.card import VolumeCard
from workers.images.volumes.outputs.clean import cleaned, fill_holes, keep_largest, remove_small
from workers.images.volumes.outputs.settings import Clean, Wanted
from workers.images.volumes.outputs.values import values_of

ALL = [1, 2, 3, 4]
FULL = np.ones((3, 3, 3))


def swiss(seed: int) -> NDArray[np.uint8]:
    """Two blobs full of holes of all sizes, some open to the outside or to the border of the volume, apart."""
    random = np.random.default_rng(seed)
    labels = np.zeros((30, 17, 13), np.uint8)
    labels[:13], labels[16:] = 1, 2
    labels[random.random(labels.shape) < 0.03] = 0
    labels[3:6, 5:9, 4:7] = labels[20:23, 0:4, 4:7] = 0
    return labels


@pytest.mark.parametrize("seed", range(4))
def test_the_largest_components_are_monais(seed: int) -> None:
    labels = planted(seed)
    theirs = KeepLargestConnectedComponent(applied_labels=ALL, is_onehot=False)(labels[None])[0]
    assert np.array_equal(keep_largest(labels, ALL), np.asarray(theirs))
    assert np.array_equal(keep_largest(np.asfortranarray(labels), ALL), np.asarray(theirs))


@pytest.mark.parametrize("seed", range(4))
def test_filled_holes_are_monais(seed: int) -> None:
    labels = swiss(seed)
    theirs = np.asarray(FillHoles()(labels[None].copy())[0])
    assert np.array_equal(fill_holes(labels, [1, 2]), theirs)
    assert (theirs != labels).any()
    only = np.asarray(FillHoles(applied_labels=[2])(labels[None].copy())[0])
    assert np.array_equal(fill_holes(labels, [2]), only)


def test_a_structure_inside_another_stays_when_holes_are_filled() -> None:
    labels = np.zeros((9, 9, 9), np.uint8)
    labels[1:8, 1:8, 1:8], labels[3:6, 3:6, 3:6], labels[4, 4, 4] = 1, 2, 0
    found = fill_holes(labels, [1, 2])
    assert (found[4, 4, 4], (found == 2).sum()) == (1, 26)
    assert fill_holes(labels, [2])[4, 4, 4] == 2


@pytest.mark.parametrize("seed", range(3))
def test_small_components_go_by_their_volume(seed: int) -> None:
    labels = planted(seed)
    found = remove_small(labels, [1, 2], 3)
    for label in ALL:
        parts, _ = ndimage.label(labels == label, FULL)
        sizes = np.bincount(parts.ravel())
        wanted = (parts > 0) & ((sizes[parts] >= 3) | (label > 2))
        assert np.array_equal(found == label, wanted)


def test_of_equal_components_the_first_along_i_stays_in_either_order_of_voxels() -> None:
    labels = np.zeros((9, 3, 9), np.uint8)
    labels[2, 1, 7] = labels[6, 1, 1] = labels[4, 1, 4] = 1
    for array in (labels, np.asfortranarray(labels)):
        assert np.argwhere(keep_largest(array, [1])).tolist() == [[2, 1, 7]]


def test_steps_are_done_in_order_to_the_structures_they_name_and_the_given_map_stays() -> None:
    labels = planted(2)
    before = labels.copy()
    volume = marked(labels)
    millilitres = 4 * volume.grid.voxel_ml
    steps = [
        Clean(step="remove_small", ml=millilitres, structures=("liver",)),
        Clean(step="keep_largest", structures=("spleen", "lesion")),
        Clean(step="fill_holes"),
    ]
    found = cleaned(card().structures, volume, steps)
    wanted = fill_holes(keep_largest(remove_small(labels, [1], 4), [2, 4]), ALL)
    assert np.array_equal(found.labels, wanted)
    assert np.array_equal(labels, before)
    assert (found.labels != before).any()
    assert cleaned(card().structures, marked(np.zeros_like(labels)), steps).labels.any() == np.False_


def test_structures_that_overlap_are_tidied_each_on_its_own() -> None:
    masks = {one.name: swiss(seed) > 0 for seed, one in enumerate(card().structures)}
    volume = dataclasses.replace(marked(swiss(0)), labels=None, masks=masks)
    found = cleaned(card().structures, volume, [Clean(step="fill_holes", structures=("spleen",))])
    theirs = np.asarray(FillHoles()(masks["spleen"][None].astype(np.uint8))[0])
    assert np.array_equal(found.masks["spleen"], theirs)
    assert found.masks["liver"] is masks["liver"]


@pytest.mark.parametrize(("neighbours", "structure"), [(6, 1), (18, 2), (26, 3)])
def test_neighbours_are_those_that_the_step_names(neighbours: int, structure: int) -> None:
    labels = planted(1)
    step = Clean.model_validate({"step": "remove_small", "voxels": 4, "neighbours": neighbours})
    found = cleaned(card().structures, marked(labels), [step]).labels
    for label in ALL:
        parts, _ = ndimage.label(labels == label, ndimage.generate_binary_structure(3, structure))
        sizes = np.bincount(parts.ravel())
        assert np.array_equal(found == label, (parts > 0) & (sizes[parts] >= 4))


def test_a_component_of_just_the_volume_that_is_asked_for_stays() -> None:
    volume = marked(np.pad(np.ones((6, 1, 1), np.uint8), 3))
    (step,) = [Clean(step="remove_small", ml=6 * 0.7 * 0.9 * 2.5 / 1000)]
    assert np.array_equal(cleaned(card().structures, volume, [step]).labels, volume.labels)


def test_a_model_s_own_steps_come_before_those_of_the_spec() -> None:
    model = VolumeCard.model_validate({**card().model_dump(), "clean": [{"step": "keep_largest"}]})
    values, _ = values_of(model, Wanted(clean=(Clean(step="fill_holes"),)), marked(planted()), origin(17))
    assert {one["components"] for one in values.values()} == {1}
    with pytest.raises(ValidationError, match="clean names 'x', which is no structure"):
        VolumeCard.model_validate({**card().model_dump(), "clean": [{"step": "fill_holes", "structures": ["x"]}]})


def test_sizes_belong_to_the_removal_of_small_ones() -> None:
    for given in (
        {"step": "remove_small"},
        {"step": "remove_small", "ml": 1.0, "voxels": 3},
        {"step": "fill_holes", "ml": 1.0},
        {"step": "fill_holes", "neighbours": 6},
    ):
        with pytest.raises(ValidationError, match="ml belongs"):
            Clean.model_validate(given)
