"""The settings of the collection."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from tests.support.dicom_files import settings


def test_reading_the_settings_imports_no_decoder() -> None:
    program = (
        "import sys, workers.images.settings\n"
        "assert not {'pydicom', 'cv2', 'numpy', 'torch', 'tifffile', 'PIL'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_decoding_imports_neither_torch_nor_ray() -> None:
    program = "import sys, workers.images.decoding.decode\nassert not {'torch', 'ray', 'boto3'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("wrong", [{"fromat": "png"}, {"format": "bpm"}, {"max_pixels": 0}, {"frame": "last"}])
def test_what_is_not_a_setting_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        settings(**wrong)


def test_the_subject_is_asked_for_once() -> None:
    assert settings(carry=("PatientID",), subject_id="PatientID").header_names == ("PatientID",)
    assert settings(carry=("Modality",), subject_id="PatientID").header_names == ("Modality", "PatientID")


@pytest.mark.parametrize("kind", ["dicom_seg", "rtstruct"])
def test_files_that_no_record_can_have_are_refused_at_once(kind: str) -> None:
    masks = {"masks": ["nifti", kind]}
    with pytest.raises(ValidationError, match=f"segmentation.masks has {kind}, which refers to the DICOM objects"):
        settings(record="series", format="nifti", segmentation=masks)
    assert settings(record="series", format="dicom", segmentation=masks).segmentation.masks[1] == kind


def test_frames_of_images_in_a_column_are_refused_at_once() -> None:
    with pytest.raises(ValidationError, match="record: frame needs objects"):
        settings(record="frame", bytes_column="png")
