"""DICOM-SEG and RTSTRUCT of real series, shuffled as archives are: each frame lies where its source slice does."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pydicom
import pytest

from tests.support.marked_volumes import card, planted
from tests.support.series import T1, TILTED, matrix, only, real_slices, volumes_of
from workers.images.volumes.origin import NAMES, source_of
from workers.images.volumes.outputs.marked import Marked, Origin
from workers.images.volumes.outputs.seg import seg_of
from workers.images.volumes.outputs.settings import Wanted
from workers.images.volumes.outputs.values import values_of
from workers.images.volumes.volume import Grid


def marked_series(folder: Path) -> tuple[Marked, Origin, dict[str, Any]]:
    """Four structures on the grid of a real series, and its slices by SOPInstanceUID."""
    slices = real_slices(folder)
    random.Random(0).shuffle(slices)
    volume = only(volumes_of(slices))
    by_uid = {str(one.SOPInstanceUID): one for one in slices}
    assert volume.shape is not None
    ordered = sorted(
        slices, key=lambda one: float(np.dot(one.ImagePositionPatient, matrix(volume)[:3, 2] * (-1, -1, 1)))
    )
    headers = [{name: str(one.get(name, "")) for name in NAMES} for one in ordered]
    whose = Origin(volume.volume_id, "ab" * 32, "organs", "cd" * 32, source_of(headers, [0] * len(headers)))
    labels = np.zeros(volume.shape, np.uint8, order="F")
    labels[100:140, 60:90] = planted(shape=(40, 30, volume.shape[2]))
    return Marked(Grid(volume.shape, matrix(volume)), labels, labels), whose, by_uid


@pytest.mark.parametrize("folder", [T1, TILTED], ids=["t1", "tilted"])
def test_frames_lie_where_their_source_slices_do(folder: Path) -> None:
    marked, whose, by_uid = marked_series(folder)
    body = seg_of(card(), marked, whose, "labelmap")
    assert body is not None
    read = pydicom.dcmread(io.BytesIO(body))
    first = next(iter(by_uid.values()))
    for name in ("PatientID", "PatientName", "StudyInstanceUID"):
        assert read[name].value == first[name].value
    shared = read.SharedFunctionalGroupsSequence[0]
    assert np.allclose(
        shared.PlaneOrientationSequence[0].ImageOrientationPatient, first.ImageOrientationPatient, atol=1e-3
    )
    assert np.allclose(shared.PixelMeasuresSequence[0].PixelSpacing, first.PixelSpacing, rtol=1e-4)
    for item in read.PerFrameFunctionalGroupsSequence:
        (reference,) = item.DerivationImageSequence[0].SourceImageSequence
        slice_ = by_uid[reference.ReferencedSOPInstanceUID]
        placed = np.array(item.PlanePositionSequence[0].ImagePositionPatient, dtype=float)
        assert np.abs(placed - np.array(slice_.ImagePositionPatient, dtype=float)).max() < 0.05
    uids = [one.sop_uid for one in whose.source.slices] if whose.source else []
    frames = hd.seg.segread(io.BytesIO(body)).get_pixels_by_source_instance(
        uids, combine_segments=True, assert_missing_frames_are_empty=True
    )
    assert np.array_equal(frames, marked.labels.T if marked.labels is not None else None)


@pytest.mark.parametrize("folder", [T1, TILTED], ids=["t1", "tilted"])
def test_contours_lie_in_the_planes_of_their_source_slices(folder: Path) -> None:
    marked, whose, by_uid = marked_series(folder)
    values, _ = values_of(card(), Wanted(measures=False, masks=("rtstruct",)), marked, whose)
    read = pydicom.dcmread(io.BytesIO(values["mask_rtstruct"]))
    contours = [one for roi in read.ROIContourSequence for one in roi.ContourSequence]
    assert len(contours) > 20
    for contour in contours:
        slice_ = by_uid[contour.ContourImageSequence[0].ReferencedSOPInstanceUID]
        normal = np.cross(*np.array(slice_.ImageOrientationPatient, dtype=float).reshape(2, 3))
        points = np.array(contour.ContourData, dtype=float).reshape(-1, 3)
        assert np.abs((points - np.array(slice_.ImagePositionPatient, dtype=float)) @ normal).max() < 0.05
