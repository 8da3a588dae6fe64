"""Masks as RT Structure Sets: contours on the source slices that give every voxel back."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from skimage.measure import grid_points_in_poly

from schemas.errors import RecordError
from tests.support.marked_volumes import affine, card, marked, origin, planted, tilted, turns
from workers.images.volumes.outputs.marked import Marked, Origin, SourceSlice
from workers.images.volumes.outputs.measures import measures_of
from workers.images.volumes.outputs.rtstruct import rtstruct_of


def made(volume: Marked, whose: Origin | None = None, model: Any = None) -> Any:
    model = model or card()
    body = rtstruct_of(model, volume, whose or origin(17), measures_of(model.structures, volume))
    return None if body is None else pydicom.dcmread(io.BytesIO(body))


def mask_of(read: Any, number: int, volume: Marked) -> NDArray[np.bool_]:
    """From patient coordinates back to voxels."""
    found = np.zeros(volume.grid.shape, bool)
    back = np.linalg.inv(np.diag([-1.0, -1.0, 1.0, 1.0]) @ volume.grid.affine)
    for contour in getattr(read.ROIContourSequence[number - 1], "ContourSequence", ()):
        points = np.array(contour.ContourData, dtype=np.float64).reshape(-1, 3)
        assert (len(points), contour.ContourGeometricType) == (contour.NumberOfContourPoints, "CLOSED_PLANAR")
        places = points @ back[:3, :3].T + back[:3, 3]
        k = round(float(places[0, 2]))
        assert np.abs(places[:, 2] - k).max() < 0.01
        assert contour.ContourImageSequence[0].ReferencedSOPInstanceUID.endswith(f".{k + 1}")
        found[:, :, k] ^= grid_points_in_poly(volume.grid.shape[:2], places[:, :2])
    return found


@pytest.mark.parametrize("at", [*(affine(turn) for turn in turns()[::7]), tilted()])
def test_every_voxel_comes_back_from_the_contours(at: NDArray[np.float64]) -> None:
    volume = marked(planted(), at)
    read = made(volume)
    for number in range(1, 5):
        assert np.array_equal(mask_of(read, number, volume), planted() == number)


def test_rois_have_the_names_and_codes_of_the_structures_and_refer_to_the_series() -> None:
    labels = planted()
    labels[labels == 2] = 0
    read = made(marked(labels))
    assert [one.ROIName for one in read.StructureSetROISequence] == ["liver", "spleen", "left_kidney", "lesion"]
    assert "ContourSequence" not in read.ROIContourSequence[1]
    (frame,) = read.ReferencedFrameOfReferenceSequence
    (series,) = frame.RTReferencedStudySequence[0].RTReferencedSeriesSequence
    assert len(series.ContourImageSequence) == 17
    assert {one.ReferencedFrameOfReferenceUID for one in read.StructureSetROISequence} == {frame.FrameOfReferenceUID}
    assert read.RTROIObservationsSequence[0].RTROIIdentificationCodeSequence[0].CodeMeaning == "Liver"


def test_structures_that_overlap_have_contours_each_on_its_own() -> None:
    masks = {name: planted(seed) > 0 for seed, name in enumerate(("liver", "spleen", "left_kidney", "lesion"))}
    volume = dataclasses.replace(marked(planted()), labels=None, masks=masks)
    read = made(volume, model=card(activation="sigmoid"))
    for number, mask in enumerate(masks.values(), 1):
        assert np.array_equal(mask_of(read, number, volume), mask)


def test_the_bytes_are_the_same_every_time_and_nothing_marked_is_no_object() -> None:
    volume = marked(planted())
    measures = measures_of(card().structures, volume)
    bodies = {rtstruct_of(card(), volume, origin(17), measures) for _ in range(2)}
    assert len(bodies) == 1
    assert made(marked(np.zeros_like(planted()))) is None


def test_slices_without_uids_have_no_contours() -> None:
    whose = origin(17)
    assert whose.source is not None
    without = dataclasses.replace(whose.source, slices=tuple(SourceSlice("", "") for _ in range(17)))
    with pytest.raises(RecordError, match="an RTSTRUCT refers to each slice"):
        made(marked(planted()), dataclasses.replace(whose, source=without))


@pytest.mark.parametrize(("side", "digits"), [(0.7, 3), (0.1, 3), (0.05, 4), (0.005, 5), (1e-9, 7)])
def test_places_are_told_within_a_hundredth_of_a_pixel(side: float, digits: int) -> None:
    at = np.diag([-side, -side, side, 1.0])
    at[:3, 3] = 12.3456789, -3.33333, 100.1
    volume = marked(planted(), at)
    contour = made(volume).ROIContourSequence[0].ContourSequence[0]
    text = [str(number) for number in contour.ContourData]
    assert max(len(number.partition(".")[2]) for number in text) <= digits
    assert all(len(number) <= 16 for number in text)
    if side < 1e-6:
        return
    places = np.array(contour.ContourData, np.float64).reshape(-1, 3)[:, :2] - (-at[0, 3], -at[1, 3])
    assert np.abs(places / side + 0.5 - np.rint(places / side + 0.5)).max() < 0.01
