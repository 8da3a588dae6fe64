"""One way to write each unit."""

import pytest

from workers.ehr.meds.units import normal_unit, usual_units


@pytest.mark.parametrize(
    ("said", "unit"),
    [
        ("mg/dl", "mg/dL"),
        ("MG/DL", "mg/dL"),
        (" mmHg ", "mm[Hg]"),
        ("\N{MICRO SIGN}g", "ug"),
        ("\N{GREEK SMALL LETTER MU}g/ml", "ug/mL"),
        ("mcg", "ug"),
        ("Pulse beats", "Pulse beats"),
        ("  ", None),
    ],
)
def test_a_unit_has_one_spelling_and_what_is_none_stays(said: str, unit: str | None) -> None:
    assert normal_unit(said, usual_units()) == unit


def test_each_spelling_is_one_of_its_own_unit_and_found_in_lower_case() -> None:
    units = usual_units()
    assert all(units.get(unit, unit) == unit for unit in units.values())
    assert all(said == said.lower() for said in units)
