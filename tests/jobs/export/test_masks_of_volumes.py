"""Masks of a real run over series, taken out of it: they lie on the slices that they were made of."""

from __future__ import annotations

import csv
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom

from cluster.storage import StorageSettings, open_store
from jobs.export.exporting import export_run
from jobs.export.masks import MasksExport
from tests.support.runs import rows, run
from tests.support.volume_runs import SERIES, SHAPE, write_spec


def test_masks_of_a_run_are_exported_and_agree_with_its_measures(tmp_path: Path) -> None:
    masks = "{masks: [nifti, dicom_seg, rtstruct, preview], clean: [{step: fill_holes}]}"
    run(write_spec(tmp_path, str(tmp_path / "out"), segmentation=masks).read_text())
    store = open_store(str(tmp_path / "out"))
    for kind in ("nifti", "dicom_seg", "rtstruct", "preview"):
        export_run(MasksExport(kind=kind), store, str(tmp_path / kind), StorageSettings())
    scored = {row["record_id"]: row for row in rows(tmp_path / "out").to_dicts()}
    with (tmp_path / "nifti" / "masks.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [line["record_id"] for line in table] == list(scored)
    (line,) = [line for line in table if line["record_id"].startswith(SERIES) and line["file"]]
    assert scored[line["record_id"]]["status"] == "ok"
    # A file of three axes has no slices that a DICOM-SEG could refer to.
    file = scored["brain.nii.gz"]
    assert (file["status"], file["mask_dicom_seg"], file["mask_rtstruct"]) == ("ok", None, None)
    assert file["mask_nifti"]
    assert file["detail"].count("ask for nifti") == 2
    read = nib.load(tmp_path / "nifti" / line["file"])
    labels = np.asarray(read.dataobj)
    assert labels.shape == SHAPE
    for label, name in enumerate(("anterior", "posterior"), 1):
        assert scored[line["record_id"]][name]["voxels"] == (labels == label).sum()
    seg = pydicom.dcmread(tmp_path / "dicom_seg" / line["file"].replace(".nii.gz", ".dcm"))
    assert len(seg.SourceImageSequence) == SHAPE[2]
    for frame, item in zip(np.atleast_3d(seg.pixel_array), seg.PerFrameFunctionalGroupsSequence, strict=True):
        number = int(item.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID.rsplit(".", 1)[1])
        group = item if "SegmentIdentificationSequence" in item else seg.SharedFunctionalGroupsSequence[0]
        label = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        assert np.array_equal(frame == 1, (labels == label)[:, :, number - 1].T)
