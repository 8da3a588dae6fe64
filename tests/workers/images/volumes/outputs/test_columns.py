"""Columns of a segmentation: what a spec asks for is declared, and then given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from schemas.errors import RecordError, SpecError
from schemas.status import Status
from tests.support.marked_volumes import card, marked, origin, planted
from workers.images.volumes.card import VolumeCard
from workers.images.volumes.outputs.columns import outputs_of
from workers.images.volumes.outputs.settings import Clean, Wanted
from workers.images.volumes.outputs.values import values_of
from workers.pipeline.columns import ModelColumns

EVERYTHING = Wanted(masks=("nifti", "dicom_seg", "rtstruct", "preview"))


def test_there_is_a_column_a_structure_and_one_a_file() -> None:
    assert [one.name for one in outputs_of(card(), Wanted())] == ["liver", "spleen", "left_kidney", "lesion"]
    found = {one.name: one.object_suffix for one in outputs_of(card(), EVERYTHING)}
    assert list(found.values())[4:] == ["nii.gz", "dcm", "dcm", "png"]
    assert list(found)[4:] == ["mask_nifti", "mask_dicom_seg", "mask_rtstruct", "mask_preview"]
    only = Wanted(measures=False, masks=("nifti", "nifti"))
    assert [one.name for one in outputs_of(card(), only)] == ["mask_nifti"]


@pytest.mark.parametrize("labels", [planted(), planted() * 0], ids=["marked", "nothing"])
def test_values_become_rows_of_the_declared_types(labels: Any) -> None:
    values, _ = values_of(card(), EVERYTHING, marked(labels), origin(17))
    columns = ModelColumns(outputs_of(card(), EVERYTHING), 1)
    assert set(values) == {one.name for one in columns.outputs}
    written: dict[str, bytes] = {}
    columns.sink = lambda field, row, body: written.setdefault(field.name, body) and field.name
    columns.put([(0, 0)], {name: [value] for name, value in values.items()})
    table = pa.table(columns.finish())
    assert columns.statuses == [None]
    assert table["liver"][0]["voxels"].as_py() == int((labels == 1).sum())
    there = {"mask_nifti", "mask_preview"} | ({"mask_dicom_seg", "mask_rtstruct"} if labels.any() else set())
    assert set(written) == there == {name for name in values if table[name][0].as_py() == name}


def test_masks_are_tidied_before_they_are_measured() -> None:
    wanted = Wanted(clean=(Clean(step="keep_largest"),))
    values, _ = values_of(card(), wanted, marked(planted()), origin(17))
    assert {one["components"] for one in values.values()} == {1}


def test_what_cannot_be_is_refused_with_its_remedy() -> None:
    with pytest.raises(SpecError, match="did you mean 'liver'"):
        outputs_of(card(), Wanted(clean=(Clean(step="fill_holes", structures=("livr",)),)))
    with pytest.raises(SpecError, match="seg_type: binary"):
        outputs_of(card(activation="sigmoid"), Wanted(masks=("dicom_seg",), seg_type="labelmap"))
    with pytest.raises(SpecError, match="rename it"):
        outputs_of(card(("liver", "mask_nifti")), EVERYTHING)
    labels = VolumeCard(task="classification", channels=1, outputs=2, activation="softmax", labels=("a", "b"))
    with pytest.raises(SpecError, match="classification"):
        outputs_of(labels, Wanted())


def test_a_volume_of_no_dicom_has_all_but_a_seg_which_is_said() -> None:
    values, remarks = values_of(card(), EVERYTHING, marked(planted()), origin(17, source=None))
    assert [name for name, value in values.items() if value is None] == ["mask_dicom_seg", "mask_rtstruct"]
    assert [one.partition(":")[0] for one in remarks] == ["no mask_dicom_seg", "no mask_rtstruct"]
    assert values["liver"]["voxels"]
    assert values["mask_nifti"]


def test_where_nothing_else_is_asked_for_the_record_has_the_reason() -> None:
    only = Wanted(measures=False, masks=("dicom_seg", "rtstruct"))
    with pytest.raises(RecordError, match="ask for nifti") as told:
        values_of(card(), only, marked(planted()), origin(17, source=None))
    assert told.value.status == Status.UNSUPPORTED


def test_a_nifti_that_cannot_say_its_size_leaves_the_measures() -> None:
    long = marked(np.ones((40_000, 1, 1), np.uint8))
    values, remarks = values_of(card(), Wanted(masks=("nifti",)), long, origin(1))
    assert values["mask_nifti"] is None
    assert values["liver"]["voxels"] == 40_000
    assert "does not fit a NIfTI-1 header" in remarks[0]
