"""The ends of all windows as a tree with the trigger at its root: each is found from one that is known before it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.errors import SpecError
from schemas.loading import nearest
from workers.ehr.aces.bounds import SPECIAL, Bound
from workers.ehr.aces.config import Config, Range, Window


@dataclass(frozen=True)
class Node:
    """An end of a window, found from `parent` (a position in the tree's order; 0 is the trigger).

    Between the two lies what `has` limits and what a label counts; `left_inclusive` is of the earlier one.
    """

    name: str
    parent: int
    bound: Bound
    left_inclusive: bool = False
    right_inclusive: bool = False
    has: Mapping[str, Range] = field(default_factory=dict)


@dataclass(frozen=True)
class Tree:
    """The nodes after the trigger, parents first; node `i` of the order is `nodes[i - 1]`.

    `index`, `index_at_parent`: which node's point of time is that of the prediction, or whether its parent's is.
    `label` is the predicate that is counted in `label_node`; empty: the cohort has no labels.
    """

    nodes: tuple[Node, ...]
    index: int
    index_at_parent: bool
    label: str
    label_node: int


def build_tree(config: Config, where: str) -> Tree:
    """Raises SpecError for windows that refer in a circle or to what is not there, and where no time is chosen."""
    _refuse_static(config, where)
    growing = _Growing(config.windows, where)
    for name, window in config.windows.items():
        growing.find(f"{name}.{window.own_side}", ())
    labelled = [name for name, window in config.windows.items() if window.label]
    indexed = [name for name, window in config.windows.items() if window.index_timestamp]
    if len(labelled) > 1:
        raise SpecError(f"{where}: windows {', '.join(labelled)} have a label each; only one may")
    if len(indexed) != 1:
        raise SpecError(
            f"{where}: index_timestamp: exactly one window has to give the time of prediction, "
            f"found {', '.join(indexed) or 'none'}"
        )
    window = config.windows[indexed[0]]
    return Tree(
        nodes=tuple(growing.nodes),
        index=growing.own_node(indexed[0], "index_timestamp"),
        index_at_parent=_is_at_parent(window),
        label=config.windows[labelled[0]].label or "" if labelled else "",
        label_node=growing.own_node(labelled[0], "label") if labelled else 0,
    )


def _is_at_parent(window: Window) -> bool:
    """Whether the time of prediction is the end of the window that the other one is found from.

    es-aces takes a window whose start is written as a length of time before its end (`end - 24h`) for one that starts
    at its end: `index_timestamp: end` is then the earlier point. Its files mean the same here.
    """
    swapped = window.own.shift < 0
    return (window.index_timestamp == window.own_side) == swapped


class _Growing:
    def __init__(self, windows: Mapping[str, Window], where: str) -> None:
        self.nodes: list[Node] = []
        self._windows = windows
        self._where = where
        self._found = {"trigger": 0}

    def find(self, point: str, above: tuple[str, ...]) -> int:
        """Position of an end; of the point that it is the same as, where it is one."""
        if point in self._found:
            return self._found[point]
        if point in above:
            raise SpecError(f"{self._where}: windows refer in a circle: {' -> '.join((*above, point))}")
        name, _, side = point.partition(".")
        window = self._windows[name]
        own = side == window.own_side
        bound = window.own if own else window.root
        other = f"{name}.{bound.reference}" if own else self._known(bound.reference, name)
        parent = self.find(other, (*above, point))
        self._found[point] = parent if bound.is_same else self._grow(point, parent, bound, window if own else None)
        return self._found[point]

    def _grow(self, point: str, parent: int, bound: Bound, window: Window | None) -> int:
        if window is None:
            self.nodes.append(Node(point, parent, bound))
        else:
            self.nodes.append(Node(point, parent, bound, window.start_inclusive, window.end_inclusive, window.ranges))
        return len(self.nodes)

    def _known(self, reference: str, name: str) -> str:
        window, _, side = reference.partition(".")
        if not side and window != "trigger":
            raise SpecError(
                f"{self._where}: windows.{name} refers to {reference!r}: write trigger, <window>.start or <window>.end"
            )
        if side and window not in self._windows:
            raise SpecError(
                f"{self._where}: windows.{name} refers to window {window!r}, which is not there"
                f"{nearest(window, self._windows)}"
            )
        return reference

    def own_node(self, name: str, key: str) -> int:
        """The node that ends window `name`. Raises SpecError where the window has no length."""
        window = self._windows[name]
        if window.own.is_same:
            raise SpecError(f"{self._where}: windows.{name}: start and end are one point, so it has no {key}")
        return self._found[f"{name}.{window.own_side}"]


def _refuse_static(config: Config, where: str) -> None:
    """A static predicate narrows the cohort, alone or within and() and or(); it happens at no time."""
    static = set(config.static)
    _refuse_one(config.trigger, "trigger", static, where)
    for name, window in config.windows.items():
        for used in (*window.has, window.own.event, window.root.event, window.label):
            _refuse_one(used or "", f"windows.{name}", static, where)
        if window.own.is_same and window.has:
            raise SpecError(
                f"{where}: windows.{name}: start and end are one point, so nothing can be asked of it (has)"
            )


def _refuse_one(used: str, place: str, static: set[str], where: str) -> None:
    if used in static and used not in SPECIAL:
        raise SpecError(f"{where}: {place}: predicate {used!r} is static: it happens at no time")
