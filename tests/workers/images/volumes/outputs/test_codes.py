"""Codes of structures: those of the standard's own dictionary, and a side where the name has one."""

from __future__ import annotations

import pytest
from pydicom.sr._concepts_dict import concepts

from workers.images.volumes.card import Code, Structure
from workers.images.volumes.outputs.codes import ABNORMAL, ANATOMICAL, KNOWN, LEFT, PRIVATE, RIGHT, TISSUE, coded

MEANINGS = {(value, meaning.lower()) for found in concepts["SCT"].values() for value, (meaning, _) in found.items()}
SEGMENTED = 7151, 7159, 7192, 7194, 8134, 9514
GROUPS: dict[str, set[int]] = {}
for _found in concepts["SCT"].values():
    for _value, (_, _groups) in _found.items():
        GROUPS.setdefault(_value, set()).update(_groups)


def structure(name: str, code: Code | None = None) -> Structure:
    return Structure(name=name, label=1, channel=1, code=code)


def test_every_code_and_meaning_is_the_standards() -> None:
    codes = {one.kind for one in KNOWN.values()} | {LEFT, RIGHT, ANATOMICAL, ABNORMAL, TISSUE}
    assert {(one.value, one.meaning.lower()) for one in codes} <= MEANINGS
    assert all(7150 in GROUPS[one.value] for one in (ANATOMICAL, ABNORMAL, TISSUE))
    assert all(GROUPS[one.kind.value] & set(SEGMENTED) for one in KNOWN.values())


@pytest.mark.parametrize(
    ("name", "meaning", "side"),
    [
        ("liver", "Liver", None),
        ("Liver", "Liver", None),
        ("left_kidney", "Kidney", "Left"),
        ("kidney_right", "Kidney", "Right"),
        ("lung_upper_lobe_left", "Upper lobe of lung", "Left"),
        ("lung_middle_lobe_right", "Middle lobe of right lung", None),
        ("heart_atrium_left", "Left atrium", None),
        ("vertebrae_T12", "T12 vertebra", None),
        ("rib_left_4", "Rib", "Left"),
    ],
)
def test_a_name_is_known_with_its_side(name: str, meaning: str, side: str | None) -> None:
    found = coded(structure(name))
    assert (found.category, found.kind.meaning, found.side and found.side.meaning) == (ANATOMICAL, meaning, side)


def test_what_is_abnormal_is_said_to_be_and_what_is_not_known_is_private_tissue() -> None:
    assert coded(structure("tumour")).category == ABNORMAL
    found = coded(structure("hippocampus_anterior"))
    assert (found.category, found.kind.scheme, found.kind.value) == (TISSUE, PRIVATE, "hippocampus_anterior")


def test_the_models_own_code_wins() -> None:
    own = Code(scheme="SCT", value="108369006", meaning="Neoplasm")
    assert (coded(structure("liver", own)).kind, coded(structure("liver", own)).category) == (own, ABNORMAL)
