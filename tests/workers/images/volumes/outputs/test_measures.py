"""Measures of structures: equal to plain arithmetic and to SimpleITK, whatever the order, type and number of voxels."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

from schemas.arrow_types import parse_type
from schemas.errors import WardroundError
from tests.support.marked_volumes import affine, card, marked, planted, tilted, turns
from workers.images.volumes.outputs import slabs
from workers.images.volumes.outputs.columns import MEASURES_TYPE
from workers.images.volumes.outputs.marked import Marked
from workers.images.volumes.outputs.measures import measures_of


def by_arithmetic(mask: NDArray[Any], volume: Marked) -> dict[str, Any]:
    at = np.argwhere(mask)
    values = volume.intensities[mask].astype(np.float64)
    matrix = volume.grid.affine
    x, y, z = (matrix[:3, :3] @ at.mean(0) + matrix[:3, 3]) * (-1, -1, 1)
    found = {"voxels": len(at), "volume_ml": len(at) * abs(np.linalg.det(matrix[:3, :3])) / 1000}
    found |= {"mean": values.mean(), "sd": values.std(), "x_mm": x, "y_mm": y, "z_mm": z}
    for axis, name in enumerate("ijk"):
        found |= {f"{name}_first": at[:, axis].min(), f"{name}_last": at[:, axis].max()}
    return found


def itk(mask: NDArray[Any], volume: Marked) -> tuple[sitk.Image, sitk.Image]:
    images = [sitk.GetImageFromArray(array.T) for array in (mask.astype(np.uint8), volume.intensities)]
    directions = volume.grid.affine[:3, :3] / volume.grid.spacing * np.array([[-1], [-1], [1]])
    for image in images:
        image.SetSpacing(volume.grid.spacing)
        image.SetOrigin((volume.grid.affine[:3, 3] * (-1, -1, 1)).tolist())
        image.SetDirection(directions.ravel().tolist())
    return images[0], images[1]


@pytest.mark.parametrize("turn", turns()[::5])
def test_measures_equal_plain_arithmetic_and_simpleitk(turn: NDArray[np.float64]) -> None:
    volume = marked(planted(), affine(turn))
    found = measures_of(card().structures, volume)
    for label, name in enumerate(found, 1):
        assert volume.labels is not None
        mask = volume.labels == label
        for key, value in by_arithmetic(mask, volume).items():
            assert found[name][key] == pytest.approx(value, rel=1e-12, abs=1e-9)
        image, values = itk(mask, volume)
        shape, intensity = sitk.LabelShapeStatisticsImageFilter(), sitk.LabelIntensityStatisticsImageFilter()
        shape.Execute(image)
        intensity.Execute(image, values)
        count = shape.GetNumberOfPixels(1)
        assert (found[name]["voxels"], found[name]["cut_off"]) == (count, shape.GetNumberOfPixelsOnBorder(1) > 0)
        assert found[name]["volume_ml"] == pytest.approx(shape.GetPhysicalSize(1) / 1000)
        assert [found[name][f"{axis}_mm"] for axis in "xyz"] == pytest.approx(shape.GetCentroid(1))
        first = [found[name][f"{axis}_first"] for axis in "ijk"]
        size = [found[name][f"{axis}_last"] - found[name][f"{axis}_first"] + 1 for axis in "ijk"]
        assert shape.GetBoundingBox(1) == (*first, *size)
        assert found[name]["mean"] == pytest.approx(intensity.GetMean(1))
        # ITK divides by one voxel less.
        assert found[name]["sd"] == pytest.approx(intensity.GetStandardDeviation(1) * np.sqrt((count - 1) / count))


@pytest.mark.parametrize("seed", range(5))
def test_components_equal_simpleitk_with_faces_edges_and_corners(seed: int) -> None:
    volume = marked(planted(seed))
    for label, measures in enumerate(measures_of(card().structures, volume).values(), 1):
        assert volume.labels is not None
        image = sitk.GetImageFromArray((volume.labels == label).astype(np.uint8).T)
        parts = sitk.GetArrayFromImage(sitk.ConnectedComponent(image, True))
        sizes = np.bincount(parts.ravel())[1:]
        assert measures["components"] == len(sizes)
        assert measures["largest_share"] == sizes.max() / sizes.sum()


def test_a_sheared_grid_has_the_volume_of_its_determinant() -> None:
    volume = marked(planted(), tilted())
    for name, measures in measures_of(card().structures, volume).items():
        label = {one.name: one.label for one in card().structures}[name]
        for key, value in by_arithmetic(volume.labels == label, volume).items():
            assert measures[key] == pytest.approx(value, rel=1e-12, abs=1e-9)
    assert volume.grid.voxel_ml < np.prod(volume.grid.spacing) / 1000 - 1e-5


@pytest.mark.parametrize("orders", ["CC", "CF", "FC", "FF"])
def test_the_order_of_the_voxels_and_the_size_of_slabs_change_nothing(
    orders: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = marked(planted(3))
    whole = measures_of(card().structures, volume)
    assert volume.labels is not None
    turned = Marked(
        volume.grid,
        np.asarray(volume.intensities, order=orders[0]),
        np.asarray(volume.labels, order=orders[1]),
    )
    monkeypatch.setattr(slabs, "_VOXELS", 900)
    for name, measures in measures_of(card().structures, turned).items():
        assert measures == pytest.approx(dict(whole[name]), rel=1e-12)


def test_reversed_views_are_measured_as_their_copies() -> None:
    volume = marked(planted(4))
    assert volume.labels is not None
    view = Marked(volume.grid, volume.intensities[::-1, :, ::-1], volume.labels[::-1, :, ::-1])
    copy = Marked(volume.grid, view.intensities.copy(), view.labels.copy())
    for name, measures in measures_of(card().structures, view).items():
        assert measures == pytest.approx(dict(measures_of(card().structures, copy)[name]), rel=1e-12)


def test_an_absent_structure_has_no_voxels_and_nothing_else() -> None:
    labels = planted()
    labels[labels == 2] = 0
    found = measures_of(card().structures, marked(labels))
    assert found["spleen"]["voxels"] == 0
    assert {value for key, value in found["spleen"].items() if key != "voxels"} == {None}
    nothing = measures_of(card().structures, marked(np.zeros_like(labels)))
    assert [one["voxels"] for one in nothing.values()] == [0, 0, 0, 0]


def test_the_keys_are_those_of_the_column_type() -> None:
    names = {field.name for field in parse_type(MEASURES_TYPE)}
    labels = planted()
    labels[labels == 2] = 0
    for measures in measures_of(card().structures, marked(labels)).values():
        assert set(measures) == names


def test_structures_that_overlap_are_measured_each_on_its_own() -> None:
    volume = marked(planted())
    masks = {one.name: planted(seed) > 0 for seed, one in enumerate(card().structures)}
    found = measures_of(card().structures, dataclasses.replace(volume, labels=None, masks=masks))
    for name, measures in found.items():
        for key, value in by_arithmetic(masks[name], volume).items():
            assert measures[key] == pytest.approx(value, rel=1e-12, abs=1e-9)


def test_a_large_mean_costs_no_digits_and_values_without_end_have_no_mean() -> None:
    volume = marked(planted())
    assert volume.labels is not None
    high = volume.intensities.astype(np.float64) * 1e-3 + 1e9
    found = measures_of(card().structures, dataclasses.replace(volume, intensities=high))
    for label, measures in enumerate(found.values(), 1):
        assert measures["sd"] == pytest.approx(np.std(high[volume.labels == label]), rel=1e-7)
    high[volume.labels == 1] = np.inf
    high[tuple(np.argwhere(volume.labels == 2)[0])] = np.nan
    found = measures_of(card().structures, dataclasses.replace(volume, intensities=high))
    assert [(one["mean"] is None, one["sd"] is None) for one in found.values()] == [(True, True)] * 2 + [
        (False, False)
    ] * 2


def test_labels_may_be_far_apart_and_the_volume_smaller_than_their_number() -> None:
    labels = np.zeros((3, 2, 1), np.uint16)
    labels[0, 0, 0], labels[2, 1, 0] = 7, 65_535
    structures = [
        one.model_copy(update={"label": label}) for one, label in zip(card().structures, (7, 65_535), strict=False)
    ]
    found = measures_of(structures, marked(labels))
    assert [(one["voxels"], one["components"], one["cut_off"]) for one in found.values()] == [(1, 1, True)] * 2


def test_a_label_of_no_structure_is_a_bug_and_said_so() -> None:
    with pytest.raises(WardroundError, match="no structure's"):
        measures_of(card(("liver",)).structures[:1], marked(np.where(planted() == 4, 4, 0).astype(np.uint8)))
