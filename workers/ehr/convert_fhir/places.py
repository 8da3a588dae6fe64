"""Look things up in a resource, and know where they were found."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from workers.ehr.meds.said import plain_word

Node = Any
"""A piece of JSON."""
Path = tuple[str | int, ...]
"""From the resource down: names of elements, and numbers in lists."""


class Place(NamedTuple):
    """A piece of a resource and where it lies."""

    node: Node
    path: Path

    def at(self, *names: str | int) -> Path:
        """The path of something below."""
        return (*self.path, *names)


@dataclass(frozen=True, slots=True)
class Step:
    """One name of a path; with `url`: the items of a list of extensions that have this url, or its last part."""

    name: str
    url: str | None = None

    def takes(self, item: Node) -> bool:
        """Whether an item of the list is meant."""
        if self.url is None:
            return True
        said = item.get("url") if type(item) is dict else None
        return type(said) is str and self.url in (said, said.rsplit("/", 1)[-1])


_STEP = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:\[([^\]]+)\])?")


def steps_of(path: str) -> tuple[Step, ...]:
    """`a.b[url].c` as steps; a dot at its start is left out. Raises ValueError for what is no path."""
    found: list[Step] = []
    rest = path.strip(".")
    while rest:
        match = _STEP.match(rest)
        if match is None or rest[match.end() :][:1] not in ("", "."):
            raise ValueError("is no path: names of elements with dots between them")
        found.append(Step(match[1], match[2]))
        rest = rest[match.end() + 1 :]
    return tuple(found)


def find(place: Place, steps: tuple[Step, ...]) -> Place | None:
    """Through objects by name; of a list the first item that is meant. None where nothing is there."""
    node, path = place
    for step in steps:
        if type(node) is list:
            inside = _first(node, path, None)
            if inside is None:
                return None
            node, path = inside
        if type(node) is not dict:
            return None
        node = node.get(step.name)
        if node is None:
            return None
        path = (*path, step.name)
        if step.url is not None:
            inside = _first(node if type(node) is list else [node], path, step)
            if inside is None:
                return None
            node, path = inside
    return _first(node, path, None) if type(node) is list else Place(node, path)


def _first(found: list[Node], path: Path, step: Step | None) -> Place | None:
    for number, item in enumerate(found):
        if item is not None and (step is None or step.takes(item)):
            return Place(item, (*path, number))
    return None


def items(place: Place, steps: tuple[Step, ...]) -> list[Place]:
    """The items of the list at this path that are meant; one thing is a list of one. Without steps the place itself."""
    if not steps:
        return [place]
    above = find(place, steps[:-1]) if len(steps) > 1 else place
    if above is None or type(above.node) is not dict:
        return []
    last = steps[-1]
    found = above.node.get(last.name)
    if type(found) is list:
        listed = [Place(item, above.at(last.name, number)) for number, item in enumerate(found)]
        return [item for item in listed if last.takes(item.node)]
    return [] if found is None else [Place(found, above.at(last.name))]


def words_at(resource: Mapping[str, Any], steps: tuple[Step, ...]) -> set[str]:
    """Every text, code and truth at a path, of all items of lists: what a status may say.

    In lower case, with hyphens: `Entered in Error` and `entered_in_error` are `entered-in-error`.
    """
    if steps[0].name not in resource:
        return set()
    if len(steps) == 1 and type(resource[steps[0].name]) is str:
        return {plain_word(resource[steps[0].name])}
    nodes: list[Node] = [resource]
    for step in steps:
        inside = [item for node in nodes for item in (node if type(node) is list else [node])]
        nodes = [item[step.name] for item in inside if type(item) is dict and step.name in item]
    return {word for node in nodes for word in _words(node)}


def _words(node: Node) -> set[str]:
    if type(node) is bool:
        return {"true" if node else "false"}
    if type(node) is str:
        return {plain_word(node)}
    if type(node) is list:
        return {word for item in node for word in _words(item)}
    if type(node) is dict:
        return {word for name in ("coding", "code", "text") for word in _words(node.get(name))}
    return set()
