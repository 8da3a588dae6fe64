"""Where the resources of a Bundle lie in its text, so that each can be read again without the others."""

import json
from collections.abc import Iterator, Mapping
from typing import NamedTuple

_DECODER = json.JSONDecoder()
_BLANK = " \t\n\r"


class Place(NamedTuple):
    """First character and the one after the last."""

    start: int
    end: int


def entry_places(text: str, at: int, depth: int = 1) -> Mapping[tuple[int, ...], Place]:
    """The resource of each entry of the Bundle that begins at `at`, by the numbers of the entries it lies in; of an
    entry without one, the entry. `depth` is how deep Bundles lie in it.

    The text is JSON that was read already.
    """
    return dict(_entries(text, at, depth, ()))


def _entries(text: str, at: int, depth: int, path: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], Place]]:
    listed = _members(text, at).get("entry")
    if listed is None or text[listed.start] != "[":
        return
    for number, item in enumerate(_items(text, listed.start)):
        own = (*path, number)
        resource = _members(text, item.start).get("resource") if text[item.start] == "{" else None
        if resource is None or text[resource.start] != "{":
            yield own, item
            continue
        yield own, resource
        if depth > 1:
            yield from _entries(text, resource.start, depth - 1, own)


def _members(text: str, at: int) -> Mapping[str, Place]:
    """The values of the object that begins here; of two with one name the last, as every reader of JSON has it."""
    found: dict[str, Place] = {}
    at = _after_blanks(text, at + 1)
    while text[at] != "}":
        name, at = _DECODER.raw_decode(text, at)
        start = _after_blanks(text, _after_blanks(text, at) + 1)
        found[name] = Place(start, _end_of(text, start))
        at = _next(text, found[name].end)
    return found


def _items(text: str, at: int) -> Iterator[Place]:
    """The items of the list that begins here."""
    at = _after_blanks(text, at + 1)
    while text[at] != "]":
        item = Place(at, _end_of(text, at))
        yield item
        at = _next(text, item.end)


def _end_of(text: str, at: int) -> int:
    return _DECODER.raw_decode(text, at)[1]


def _next(text: str, at: int) -> int:
    """Where the next member or item begins, or the bracket that ends them."""
    at = _after_blanks(text, at)
    return _after_blanks(text, at + 1) if text[at] == "," else at


def _after_blanks(text: str, at: int) -> int:
    while text[at] in _BLANK:
        at += 1
    return at
