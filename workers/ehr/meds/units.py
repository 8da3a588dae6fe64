"""One way to write each unit, so that milligrams of two sources are one unit, and grams another."""

from collections.abc import Mapping
from pathlib import Path

from schemas.yaml_text import load_yaml

_UNITS = Path(__file__).with_name("units.yaml")


def usual_units() -> dict[str, str]:
    """Spellings of units and that of UCUM for each, as rules have them that name no `units` of their own."""
    found = load_yaml(_UNITS.read_text(encoding="utf-8"), _UNITS.name)
    return {str(said): str(unit) for said, unit in found.items()}


def normal_unit(said: str, units: Mapping[str, str]) -> str | None:
    """The unit as these `units` write it, by its exact text, else in lower case; else as it was said.

    None for blanks.
    """
    plain = said.strip().replace("\N{GREEK SMALL LETTER MU}", "\N{MICRO SIGN}")
    return units.get(plain, units.get(plain.lower(), plain)) or None
