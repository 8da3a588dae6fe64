"""What a spec searches a service for: attributes of DICOM, each at its level, with values of its kind."""

from __future__ import annotations

import pytest
from pydicom.datadict import dictionary_VR, tag_for_keyword

from schemas.errors import SpecError
from workers.images.service_query import INSTANCES, SERIES, STUDIES, search_of


def test_every_attribute_that_can_be_searched_by_is_one_of_DICOM_and_of_one_level() -> None:
    names = (*STUDIES, *SERIES, *INSTANCES)
    assert len(set(names)) == len(names)
    for name in names:
        tag = tag_for_keyword(name)
        assert tag is not None, name
        (key,) = (
            key
            for level in vars(
                search_of(
                    {name: "1"}
                    if dictionary_VR(tag) not in ("DA", "TM")
                    else {name: "20240101" if dictionary_VR(tag) == "DA" else "10"}
                )
            ).values()
            for keys in level
            for key in keys
        )
        assert (key.keyword, key.tag, key.vr) == (name, f"{tag:08X}", dictionary_VR(tag))


def test_keys_go_to_their_level_and_lists_are_searches_of_their_own() -> None:
    search = search_of({"Modality": ["CT", "MR", "CT"], "StudyDate": "20240101-", "SeriesNumber": 3})
    assert [[(key.keyword, key.value) for key in keys] for keys in search.studies] == [[("StudyDate", "20240101-")]]
    assert [[key.value for key in keys] for keys in search.series] == [["CT", "3"], ["MR", "3"]]
    assert search.instances == ((),)


@pytest.mark.parametrize(
    "value", ["20240101", 20240101, "20240101-", "-20240331", "20240101-20240331", ["20240101", 20240102]]
)
def test_a_day_may_be_a_range(value: object) -> None:
    assert search_of({"StudyDate": value}).studies[0][0].value == str(value[0] if isinstance(value, list) else value)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"Modalty": "CT"}, "did you mean 'Modality'"),
        ({"PixelSpacing": "1"}, "no attribute that services are searched by"),
        ({"StudyDate": "2024-01-01"}, "20240101-20240331"),
        ({"StudyDate": "-"}, "20240101-20240331"),
        ({"StudyTime": "noon"}, "0930"),
        ({"StudyTime": "-"}, "0930"),
        ({"StudyInstanceUID": "1.2*"}, "a UID"),
        ({"SeriesNumber": "third"}, "a whole number"),
        ({"PatientID": 7}, "in quotes"),
        ({"PatientID": ""}, "is empty"),
        ({"PatientID": "a\\b"}, "write a list"),
        ({"PatientID": "a\nb"}, "write a list"),
        ({"Modality": []}, "an empty list"),
        ({"PatientID": [str(n) for n in range(200)], "StudyID": [str(n) for n in range(200)]}, "40,000 searches"),
    ],
)
def test_what_cannot_be_searched_for_is_told_with_its_remedy(query: dict[str, object], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        search_of(query)
