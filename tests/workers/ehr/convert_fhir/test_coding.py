from __future__ import annotations

from typing import Any

import pytest

from workers.ehr.convert_fhir.coding import UNRESOLVED, Named, Vocabulary, compile_part, finder_of
from workers.ehr.convert_fhir.places import Place

WORDS = Vocabulary(
    {"http://loinc.org": "LOINC", "http://snomed.info/sct": "SNOMED", "urn:oid:2.16.840.1.113883.6.1": "LOINC"},
    prefer=("LOINC", "SNOMED"),
    units={"mg/dl": "mg/dL"},
    tables={"gender": {"male": "M"}, "race": {"2106-3": "5"}},
)


def found(part: str, resource: dict[str, Any], item: Any = None, defined: Any = None) -> Named | None:
    return compile_part(part, WORDS)(finder_of(Place(resource, ()), Place(item, ("i",)), defined or {}))


def name(part: str, resource: dict[str, Any], item: Any = None) -> tuple[str, str | None] | None:
    named = found(part, resource, item)
    return None if named is None else (named.name, named.said)


@pytest.mark.parametrize(
    ("node", "wanted"),
    [
        ({"coding": [{"system": "http://loinc.org", "code": "1-8", "display": "A"}], "text": "B"}, ("LOINC/1-8", "A")),
        ({"coding": [{"system": "http://loinc.org"}, {"system": "u", "code": "x"}], "text": "B"}, ("u/x", "B")),
        ({"coding": [{"code": "x"}]}, ("x", None)),
        ({"coding": [], "text": "B"}, ("TEXT/B", "B")),
        ({"system": "http://loinc.org", "code": "1-8"}, ("LOINC/1-8", None)),
        ({"reference": "https://x/Medication/7", "display": "D"}, ("Medication/7", "D")),
        ({"reference": "#m"}, ("LOINC/m", None)),
        ({"reference": "#lost"}, None),
        ({"concept": {"coding": [{"code": "r5"}]}}, ("r5", None)),
        ({"reference": {"reference": "Medication/7"}}, ("Medication/7", None)),
        ({"coding": "no list"}, None),
        ([{"code": "x"}], ("x", None)),
        (True, ("true", None)),
        ("", None),
        (None, None),
    ],
)
def test_a_concept_becomes_system_and_code(node: Any, wanted: Any) -> None:
    contained = [{"id": "m", "code": {"coding": [{"system": "http://loinc.org", "code": "m"}]}}]
    assert name("$found", {"found": node, "contained": contained}) == wanted


def test_alternatives_are_tried_in_their_order() -> None:
    assert name("$a.b|$.c|UNK", {"a": [{"b": "1"}]}, {"c": "2"}) == ("1", None)
    assert name("$a.b|$.c|UNK", {"a": []}, {"c": "2"}) == ("2", None)
    assert name("$a.b|$.c|UNK", {}) == ("UNK", None)


@pytest.mark.parametrize(
    "uri", ["http://loinc.org", "https://loinc.org", "http://loinc.org/", "HTTP://LOINC.org", "http://www.loinc.org"]
)
def test_a_system_is_one_however_its_uri_is_written(uri: str) -> None:
    assert name("$c", {"c": {"system": uri, "code": "1-8"}}) == ("LOINC/1-8", None)
    assert name("$c", {"c": {"system": "urn:oid:2.16.840.1.113883.6.1", "code": "1-8"}}) == ("LOINC/1-8", None)


def test_a_system_without_a_short_name_loses_its_scheme_and_brings_no_end_of_a_part() -> None:
    assert name("$c", {"c": {"system": "https://x.org/codes/", "code": "7"}}) == ("x.org/codes/7", None)
    assert name("$c", {"c": {"system": "urn:oid:1.2.3", "code": "7"}}) == ("urn:oid:1.2.3/7", None)


@pytest.mark.parametrize("order", [1, -1])
def test_of_several_codings_that_of_the_preferred_system_counts(order: int) -> None:
    codings = [
        {"system": "urn:oid:1.2.3.4", "code": "CREA"},
        {"system": "http://snomed.info/sct", "code": "113075003"},
        {"system": "http://loinc.org/", "code": "2160-0"},
    ][::order]
    assert name("$c", {"c": {"coding": codings}}) == ("LOINC/2160-0", None)
    without = [coding for coding in codings if "loinc" not in str(coding["system"])]
    assert name("$c", {"c": {"coding": without}}) == ("SNOMED/113075003", None)


def test_of_codings_of_no_preferred_system_the_first_counts() -> None:
    codings = [{"system": "urn:a", "code": "1"}, {"system": "urn:b", "code": "2"}]
    assert name("$c", {"c": {"coding": codings}}) == ("urn:a/1", None)


def test_a_unit_is_written_in_one_way_and_a_table_translates() -> None:
    quantity = {"value": 1, "unit": "mg per dl", "code": "mg/dL"}
    assert [name("$q@unit|UNK", {"q": q}) for q in (quantity, {"unit": "MG/DL"}, {"value": 1}, {"unit": " "})] == [
        ("mg/dL", None),
        ("mg/dL", None),
        ("UNK", None),
        ("UNK", None),
    ]
    assert name("$gender@gender", {"gender": "male"}) == ("M", None)
    assert name("$gender@gender", {"gender": "other"}) == ("other", None)
    assert name("$r@race", {"r": {"system": "urn:oid:2.16.840.1.113883.6.238", "code": "2106-3"}}) == ("5", None)


def test_what_is_referred_to_has_the_code_that_the_export_gives_it_else_says_that_it_is_not_there() -> None:
    defined = {"Medication/7": ("RxNorm/860975", "Metformin")}
    for reference in ("Medication/7", "https://x/fhir/Medication/7", "Medication/7/_history/2"):
        named = found("$m", {"m": {"reference": reference}}, defined=defined)
        assert named is not None
        assert (named.name, named.said, named.lacks) == ("RxNorm/860975", "Metformin", None)
    lost = found("$m", {"m": {"reference": "Medication/8"}}, defined=defined)
    assert lost is not None
    assert (lost.name, lost.lacks) == ("Medication/8", UNRESOLVED)


def test_what_went_into_a_name_is_told_by_its_place() -> None:
    named = found("$c", {"c": {"coding": [{"code": "a"}, {"system": "http://loinc.org", "code": "b"}], "text": "t"}})
    assert named is not None
    assert named.used == (("c", "coding", 1, "system"), ("c", "coding", 1, "code"), ("c", "text"))
