"""Whether what a service found is what was searched for: some leave out of a search what they do not know."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from cluster.storage.dicomweb.keys import Key

_NUMBERS = frozenset({"DS", "FD", "FL", "IS", "SL", "SS", "UL", "US"})
_TIMES = frozenset({"DA", "DT", "TM"})


def mismatch(keys: Iterable[Key], item: Mapping[str, Any]) -> Key | None:
    """The first key that an object of the DICOM JSON Model (PS3.18, F) does not match, or of which it says nothing."""
    return next((key for key in keys if not _matches(key, item.get(key.tag))), None)


def _matches(key: Key, element: Any) -> bool:
    if not isinstance(element, Mapping):
        return False
    values = element.get("Value") or []
    return any(_is_match(key, text) for value in values for text in _texts(value))


def _texts(value: Any) -> list[str]:
    """A value as text; of a person's name each of its forms."""
    if isinstance(value, Mapping):
        return [str(form).strip() for form in value.values()]
    return [str(value).strip()]


def _is_match(key: Key, text: str) -> bool:
    if key.vr in _TIMES:
        return _is_in_range(key.value, text)
    if key.vr in _NUMBERS:
        return _number(key.value) == _number(text)
    # Services differ in whether upper case matters; brackets are literal in DICOM, and not to fnmatch.
    pattern = key.value.casefold().replace("[", "[[]")
    return fnmatchcase(text.casefold(), pattern)


def _is_in_range(wanted: str, text: str) -> bool:
    """By the digits that both have: 0930 is in a range that begins at 093000."""
    first, dash, last = wanted.partition("-")
    last = last if dash else first
    text = text.replace(".", "").replace(":", "").replace("-", "")
    first, last = (end.replace(".", "").replace(":", "") for end in (first, last))
    return (not first or _cut(text, first) >= _cut(first, text)) and (not last or _cut(text, last) <= _cut(last, text))


def _cut(text: str, other: str) -> str:
    return text[: min(len(text), len(other))]


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
