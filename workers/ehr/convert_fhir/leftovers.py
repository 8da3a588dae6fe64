"""Which elements of a resource no event has: the account of what a rule consumes only in part."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
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


@lru_cache(maxsize=20_000)
def used_of(paths: frozenset[Path]) -> tuple[Tree, frozenset[str]]:
    """Used paths as one tree, and the names of their elements. Many records use the same: it is kept, so read only."""
    return tree_of(paths), frozenset(name_of_path(path) for path in paths)


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


def left_over(node: Node, used: Tree) -> list[tuple[str, str]]:
    """Each element, by its name without numbers, of which nothing was used, and why."""
    found: list[tuple[str, str]] = []
    _collect(node, used, "", found)
    return found


def shape_of(node: Node, used: Tree) -> tuple[Any, ...]:
    """What `left_over` depends on, and no more: the names beside those that were used. Records of one kind share it."""
    found: list[Any] = []
    _shape(node, used, found)
    return tuple(found)


def _shape(node: Node, used: Tree, found: list[Any]) -> None:
    if type(node) is dict:
        found.append(tuple(node))
        for key, below in used.items():
            if below:
                _shape(node.get(key), below, found)
    elif type(node) is list:
        found.append(len(node))
        for number, below in used.items():
            if below and type(number) is int and number < len(node):
                _shape(node[number], below, found)
    else:
        found.append(None)


def _collect(node: Node, used: Tree, name: str, found: list[tuple[str, str]]) -> None:
    if type(node) is dict:
        for key, value in node.items():
            below = used.get(key)
            if below is None or (below and type(value) in (dict, list)):
                path = f"{name}.{_safe(key)}" if name else _safe(key)
                _one(value, below, path, NO_RULE, found)
    elif type(node) is list:
        reason = ANOTHER_CODING if name.endswith("coding") else ONE_OF_SEVERAL
        for number, item in enumerate(node):
            _one(item, used.get(number), name, reason, found)


def _one(value: Node, used: Tree | None, path: str, reason: str, found: list[tuple[str, str]]) -> None:
    if used is None:
        found.append((path, reason))
    elif used:
        _collect(value, used, path, found)


@lru_cache(maxsize=100_000)
def name_of_path(path: Path) -> str:
    """The name of an element without the numbers of lists."""
    return ".".join(_safe(name) for name in path if type(name) is str)


@lru_cache(maxsize=10_000)
def _safe(key: str) -> str:
    return key if _NAME.fullmatch(key) else _STRANGE


class Reasons:
    """Why elements are left out on purpose, by name: of the element as a whole, or of its last part (`*.version`)."""

    def __init__(self, said: Mapping[str, Iterable[str]]) -> None:
        self._whole: dict[str, str] = {}
        self._last: dict[str, str] = {}
        self.of = lru_cache(maxsize=10_000)(self._of)
        for reason, names in said.items():
            for name in names:
                table = self._last if name.startswith("*.") else self._whole
                table[name.removeprefix("*.")] = reason

    def _of(self, name: str) -> str | None:
        """The reason, also where it is that of an element above; None where none is said."""
        last = self._last.get(name.rpartition(".")[2])
        if last is not None:
            return last
        while name:
            if name in self._whole:
                return self._whole[name]
            name = name.rpartition(".")[0]
        return None
