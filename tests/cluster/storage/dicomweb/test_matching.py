"""Whether what was found matches what was searched for, by the rules of DICOM PS3.4, C.2.2.2."""

from __future__ import annotations

import pytest

from cluster.storage import Key
from cluster.storage.dicomweb.matching import mismatch


@pytest.mark.parametrize(
    ("vr", "wanted", "value", "is_match"),
    [
        ("DA", "20240101", ["20240101"], True),
        ("DA", "20240101", ["20240102"], False),
        ("DA", "20240101-20240131", ["20240131"], True),
        ("DA", "20240101-20240131", ["20240201"], False),
        ("DA", "20240101-", ["20231231"], False),
        ("DA", "-20240101", ["20231231"], True),
        ("DA", "20240101-", [], False),
        ("TM", "0800-1200", ["120000.5"], True),
        ("TM", "0800-1200", ["1201"], False),
        ("TM", "0800", ["080012"], True),
        ("CS", "CT", ["CT"], True),
        ("CS", "CT", ["CTX"], False),
        ("CS", "CT", ["MR", "CT"], True),
        ("LO", "a*c", ["aBBc"], True),
        ("LO", "a?c", ["aBBc"], False),
        ("LO", "a[b]", ["a[b]"], True),
        ("LO", "a[b]", ["ab"], False),
        ("LO", "case", ["CASE "], True),
        ("IS", "3", [3], True),
        ("IS", "3", ["03"], True),
        ("IS", "3", [4], False),
        ("PN", "Roe*", [{"Alphabetic": "ROE^JANE"}], True),
        ("PN", "Doe*", [{"Alphabetic": "ROE^JANE"}], False),
        ("UI", "1.2", ["1.2"], True),
        ("UI", "1.2", ["1.2.3"], False),
    ],
)
def test_a_value_matches_or_not(vr: str, wanted: str, value: list[object], is_match: bool) -> None:
    key = Key("Attribute", "00000001", vr, wanted)
    assert (mismatch([key], {"00000001": {"vr": vr, "Value": value}}) is None) == is_match


@pytest.mark.parametrize(
    "item", [{}, {"00000001": {"vr": "LO"}}, {"00000001": {"BulkDataURI": "http://x"}}, {"00000001": 3}]
)
def test_what_is_not_told_does_not_match(item: dict[str, object]) -> None:
    key = Key("Attribute", "00000001", "LO", "a")
    assert mismatch([key], item) is key
    assert mismatch([], item) is None
