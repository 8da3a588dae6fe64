"""Rules that say which volumes of a study are wanted."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from pydicom import Dataset

from schemas.errors import SpecError
from tests.support.series import ROOT, facts_of, made
from workers.images.preflight import check_selection
from workers.images.series.plan_volumes import plan_volumes
from workers.images.series.select_volumes import select_volumes
from workers.images.series.selection_settings import Selection


def _series(number: int, count: int = 6, study: str = f"{ROOT}.1", **attributes: Any) -> list[Dataset]:
    found = made(count, series=f"{ROOT}.7.{number}", step=attributes.pop("step", 2.0))
    for slice_ in found:
        slice_.SeriesNumber, slice_.StudyInstanceUID = number, study
        for name, value in attributes.items():
            setattr(slice_, name, value)
    return found


def _selected(slices: list[Dataset], **settings: Any) -> dict[str, str]:
    """Rule or status by the number of the series."""
    selection = Selection.model_validate(settings)
    facts = facts_of(slices, selection.attributes)
    volumes = plan_volumes(facts)
    found = select_volumes(volumes, facts, selection)
    assert [volume.volume_id for volume in found] == [volume.volume_id for volume in volumes]
    return {volume.volume_id.split(".")[-1]: volume.selected_by or str(volume.status) for volume in found}


STUDY = [
    *_series(1, SeriesDescription="Scout", Modality="CT"),
    *_series(2, SeriesDescription="Portal Venous", Modality="CT", SliceThickness=5, BodyPartExamined="ABDOMEN"),
    *_series(3, SeriesDescription="portal venous thin", Modality="CT", SliceThickness=1, KVP=120),
    *_series(4, SeriesDescription="T1", Modality="MR", ImageType=["DERIVED", "SECONDARY", "MPR"]),
]


@pytest.mark.parametrize(
    ("where", "taken"),
    [
        ({"SeriesDescription": "scout"}, "1"),
        ({"Modality": "mr"}, "4"),
        ({"Modality": ["MR", "PT"]}, "4"),
        ({"SeriesDescription": {"matches": "venous$"}}, "2"),
        ({"SeriesDescription": {"matches": "VENOUS.thin"}}, "3"),
        ({"SliceThickness": {"between": [0.5, 1.5]}}, "3"),
        ({"SliceThickness": 5}, "2"),
        ({"SliceThickness": "5.0"}, "2"),
        ({"KVP": {"one_of": [100, 120]}}, "3"),
        ({"ImageType": {"has": ["derived", "MPR"]}}, "4"),
        ({"ImageType": "MPR"}, "4"),
        ({"ImageType": {"none_of": ["DERIVED"]}, "SliceThickness": {"between": [4, 6]}}, "2"),
        ({"BodyPartExamined": "Abdomen"}, "2"),
        ({"00081030": {"matches": "."}}, None),
        ({"NoSuchThing": "x"}, None),
        ({"Modality": "MR", "SeriesDescription": "scout"}, None),
        ({"slices": {"between": [6, 6]}, "Modality": "MR"}, "4"),
        ({"spacing_mm": {"between": [1.99, 2.01]}, "Modality": "MR"}, "4"),
        ({"plane": "axial", "Modality": "MR"}, "4"),
    ],
)
def test_a_rule_takes_what_each_of_its_attributes_says(where: dict[str, Any], taken: str | None):
    found = _selected(STUDY, rules=[{"name": "wanted", "where": where}])
    assert [series for series, rule in found.items() if rule == "wanted"] == ([taken] if taken else [])
    assert all(rule in ("wanted", "not_selected") for rule in found.values())


def test_each_rule_takes_one_volume_of_each_study():
    other = f"{ROOT}.55"
    found = _selected(
        [*STUDY, *_series(5, study=other, Modality="CT"), *_series(6, study=other, Modality="MR")],
        rules=[{"name": "ct", "where": {"Modality": "CT"}}, {"name": "mr", "where": {"Modality": "MR"}}],
        order=["lower series number"],
    )
    assert found == {"1": "ct", "2": "not_selected", "3": "not_selected", "4": "mr", "5": "ct", "6": "mr"}


@pytest.mark.parametrize(
    ("order", "taken"),
    [
        (["more slices"], "2"),
        (["fewer slices"], "3"),
        (["thinner"], "1"),
        (["thicker"], "3"),
        (["lower series number"], "1"),
        (["higher series number"], "3"),
        (["earlier"], "2"),
        (["later"], "3"),
        (["finer", "higher series number"], "3"),
        ([], "1"),
    ],
)
def test_the_first_by_the_stated_order_is_taken(order: list[str], taken: str):
    slices = [
        *_series(1, 6, step=1.0),
        *_series(2, 9, AcquisitionTime="110000"),
        *_series(3, 4, step=3.0, AcquisitionTime="123000"),
    ]
    found = _selected(slices, rules=[{"name": "any"}], order=order)
    assert [series for series, rule in found.items() if rule == "any"] == [taken]


def test_all_that_match_are_taken_if_the_spec_says_so():
    found = _selected(STUDY, rules=[{"name": "ct", "where": {"Modality": "CT"}}], take="all")
    assert found == {"1": "ct", "2": "ct", "3": "ct", "4": "not_selected"}


def test_a_volume_that_cannot_be_read_is_never_taken_and_keeps_its_reason():
    broken = _series(1, 9)
    del broken[4]
    found = _selected([*broken, *_series(2, 6)], rules=[{"name": "any"}])
    assert found == {"1": "incomplete_series", "2": "any"}
    found = _selected([*broken, *_series(2, 6)], rules=[{"name": "two", "where": {"SeriesNumber": 2}}])
    assert found == {"1": "not_selected", "2": "two"}


def test_all_slices_have_to_match():
    slices = _series(1, Modality="CT")
    slices[2].BodyPartExamined = "HEAD"
    assert _selected(slices, rules=[{"name": "head", "where": {"BodyPartExamined": "HEAD"}}]) == {"1": "not_selected"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"rules": []}, "at least 1"),
        ({"rules": [{"name": "a"}, {"name": "a"}]}, "two rules have one name"),
        ({"rules": [{"name": "a", "where": {"SliceThickness": [1, 3]}}]}, "may be a range or two values"),
        ({"rules": [{"name": "a", "where": {"X": {"matches": "("}}}]}, "no regular expression"),
        ({"rules": [{"name": "a", "where": {"X": {"between": [3, 1]}}}]}, "first number is larger"),
        ({"rules": [{"name": "a", "where": {"X": {}}}]}, "say what it has to be"),
        ({"rules": [{"name": "a", "where": {"X": {"equal": 1}}}]}, "equal"),
        ({"rules": [{"name": "a"}], "order": ["best"]}, "thinner"),
    ],
)
def test_a_rule_that_says_nothing_or_two_things_is_refused(settings: dict[str, Any], words: str):
    with pytest.raises(ValidationError, match=words):
        Selection.model_validate(settings)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("SeriesDesription", "did you mean 'SeriesDescription'"),
        ("seriesdescription", "did you mean 'SeriesDescription'"),
        ("slice", "did you mean 'slices'"),
        ("spacing", "did you mean 'spacing_mm'"),
        ("0008103", "a tag as eight hex digits"),
        ("RequestAttributesSequence", "a sequence .VR SQ."),
        ("PixelData", "binary .VR OB or OW."),
    ],
)
def test_a_rule_by_what_nothing_has_is_refused_with_the_nearest_name(name: str, words: str):
    selection = Selection.model_validate({"rules": [{"name": "a", "where": {name: 1}}]})
    with pytest.raises(SpecError, match=f"rule 'a' asks for '{name}', which is .*{words}"):
        check_selection(selection)


def test_rules_may_ask_for_any_keyword_and_for_private_tags():
    where = {"Modality": "CT", "TransferSyntaxUID": "1.2", "00191008": 1, "00081030": "x", "plane": "axial"}
    check_selection(Selection.model_validate({"rules": [{"name": "a", "where": where}]}))


def test_a_rule_may_ask_for_the_meta_information_of_the_file():
    rules = [{"name": "plain", "where": {"TransferSyntaxUID": "1.2.840.10008.1.2.1"}}]
    assert _selected(_series(1), rules=rules) == {"1": "plain"}
