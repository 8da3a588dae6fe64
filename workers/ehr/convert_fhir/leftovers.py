"""Which elements of a resource no event has: the account of what a rule consumes only in part."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from workers.ehr.convert_fhir.places import Node, Path

NO_RULE = "no rule for it"
ONE_OF_SEVERAL = "only the first of several counts"
ANOTHER_CODING = "another coding of the same concept"
ANOTHER_TIME = "another time of it counts"

_NAME = re.compile(r"_?[A-Za-z][A-Za-z0-9]{0,63}", re.ASCII)
_STRANGE = "?"
"""Stands for a name that no element of FHIR has: it may be anything, so it is not repeated."""

Tree = dict[str | int, Any]
"""A path that was used is a chain of keys that ends in an empty tree."""


def tree_of(paths: Iterable[Path]) -> Tree:
    """Used paths as one tree."""
    tree: Tree = {}
    for path in sorted(paths, key=len):
        branch = tree
        for name in path:
            known = branch.get(name)
            if known is not None and not known:
                # The whole of it was used already.
                break
            branch = branch.setdefault(name, {})
    return tree


def left_over(node: Node, used: Tree, name: str = "") -> Iterator[tuple[str, str]]:
    """Each element, by its name without numbers, of which nothing was used, and why."""
    if type(node) is dict:
        for key, value in node.items():
            path = f"{name}.{_safe(key)}" if name else _safe(key)
            yield from _below(value, used.get(key), path, NO_RULE)
    elif type(node) is list:
        reason = ANOTHER_CODING if name.endswith("coding") else ONE_OF_SEVERAL
        for number, item in enumerate(node):
            yield from _below(item, used.get(number), name, reason)


def _below(value: Node, used: Tree | None, path: str, reason: str) -> Iterator[tuple[str, str]]:
    if used is None:
        yield path, reason
    elif used and type(value) in (dict, list):
        yield from left_over(value, used, path)


def used_elements(tree: Tree) -> Iterator[str]:
    """Names of the elements that were used."""
    yield from sorted(set(_used(tree, "")))


def _used(tree: Tree, name: str) -> Iterator[str]:
    if not tree:
        yield name
    for key, branch in tree.items():
        yield from _used(branch, name if type(key) is int else f"{name}.{key}" if name else str(key))


def _safe(key: str) -> str:
    return key if _NAME.fullmatch(key) else _STRANGE


class Reasons:
    """Why elements are left out on purpose, by name: of the element as a whole, or of its last part (`*.version`)."""

    def __init__(self, said: Mapping[str, Iterable[str]]) -> None:
        self._whole: dict[str, str] = {}
        self._last: dict[str, str] = {}
        for reason, names in said.items():
            for name in names:
                table = self._last if name.startswith("*.") else self._whole
                table[name.removeprefix("*.")] = reason

    def of(self, name: str) -> str | None:
        """The reason, also where it is that of an element above; None where none is said."""
        last = self._last.get(name.rpartition(".")[2])
        if last is not None:
            return last
        while name:
            if name in self._whole:
                return self._whole[name]
            name = name.rpartition(".")[0]
        return None
