"""Carried DICOM attributes as text."""

from __future__ import annotations

import pytest
from pydicom import FileDataset

from schemas.errors import SpecError
from tests.support.dicom_files import dataset, ramp, settings, shipped, stored
from workers.images.decoding.decode import decode
from workers.images.decoding.identifiers import attribute_tag, identifiers
from workers.images.preflight import check_attributes


def header(data: bytes, *names: str, **changes: object) -> dict[str, str | None]:
    return dict(decode(data, settings(carry=names, **changes)).header)


def test_keywords_and_tags_name_attributes_of_dataset_and_meta_information() -> None:
    found = header(shipped("CT_small.dcm"), "PatientID", "00080060", "TransferSyntaxUID", "ImageType", "PixelSpacing")
    assert found == {
        "PatientID": "1CT1",
        "00080060": "CT",
        "TransferSyntaxUID": "1.2.840.10008.1.2.1",
        "ImageType": "ORIGINAL\\PRIMARY\\AXIAL",
        "PixelSpacing": "0.661468\\0.661468",
    }


def test_what_is_absent_empty_binary_a_sequence_or_unknown_is_none() -> None:
    data = stored(dataset(ramp(), PatientName="", ReferencedSeriesSequence=[]))
    names = ("PatientName", "StudyDate", "PixelData", "ReferencedSeriesSequence", "NoSuchKeyword")
    assert header(data, *names) == dict.fromkeys(names)


def test_an_attribute_that_cannot_be_read_is_none_and_the_image_is_there() -> None:
    data = stored(dataset(ramp(), SliceThickness="1.25")).replace(b"\x18\x00\x50\x00DS", b"\x18\x00\x50\x00QZ")
    assert header(data, "SliceThickness") == {"SliceThickness": None}
    assert decode(data, settings()).error is None


def test_names_are_decoded_by_their_character_set() -> None:
    data = stored(dataset(ramp(), SpecificCharacterSet="ISO_IR 192", PatientName="Ärzte^Jürgen=山田"))
    assert header(data, "PatientName") == {"PatientName": "Ärzte^Jürgen=山田"}


def test_the_header_is_there_where_there_are_no_pixels_and_where_they_are_damaged() -> None:
    assert header(shipped("rtplan.dcm"), "Modality") == {"Modality": "RTPLAN"}
    assert header(shipped("MR_truncated.dcm"), "Modality") == {"Modality": "MR"}


def test_the_subject_is_looked_for_beside_what_is_carried() -> None:
    found = header(shipped("CT_small.dcm"), "Modality", subject_id="PatientID")
    assert found == {"Modality": "CT", "PatientID": "1CT1"}


def test_an_unknown_attribute_is_refused_with_the_nearest_known() -> None:
    check_attributes(["PatientID", "00100020"])
    with pytest.raises(SpecError, match="did you mean 'PatientID'"):
        check_attributes(["PatientId"])
    with pytest.raises(SpecError, match="eight hex digits"):
        check_attributes(["0010"])


@pytest.mark.parametrize(
    ("name", "tag"),
    [("PatientID", 0x00100020), ("00100020", 0x00100020), ("7fe00010", 0x7FE00010), ("Patient", None), ("0010", None)],
)
def test_a_name_is_a_keyword_or_eight_hex_digits(name: str, tag: int | None) -> None:
    assert attribute_tag(name) == tag


def test_several_values_keep_their_places_and_parts_that_are_no_text_are_empty() -> None:
    made = dataset(ramp(), ImageType=["ORIGINAL", "", "AXIAL"], Rows=7)
    found = identifiers(FileDataset("", made, file_meta=made.file_meta), ["ImageType", "Rows", "TransferSyntaxUID"])
    assert found == {"ImageType": "ORIGINAL\\\\AXIAL", "Rows": "7", "TransferSyntaxUID": "1.2.840.10008.1.2.1"}


@pytest.mark.parametrize(("name", "what"), [("RequestAttributesSequence", "a sequence"), ("PixelData", "binary")])
def test_what_has_no_text_is_refused(name: str, what: str) -> None:
    with pytest.raises(SpecError, match=f"input names '{name}', which is {what}"):
        check_attributes([name])
