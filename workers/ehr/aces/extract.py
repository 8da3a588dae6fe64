"""Follow the tree of windows from every trigger at once, dropping those whose windows do not hold."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.ehr.aces.timeline import Bools, Ints, Timeline
from workers.ehr.aces.tree import Node, Tree


@dataclass(frozen=True)
class Found:
    """The triggers whose windows all hold: (rows,) each. `labels` is None where the cohort has none."""

    subjects: Ints
    prediction_times: Ints
    labels: NDArray[np.bool_] | None


def extract(timeline: Timeline, trigger: str, tree: Tree) -> Found:
    """One row a trigger, in the order of subject and trigger."""
    walk = _Walk(timeline, np.flatnonzero(timeline.holds(trigger)))
    labels: Ints | None = None
    for number, node in enumerate(tree.nodes, start=1):
        counted = walk.step(node, tree.label if number == tree.label_node else "")
        labels = counted if counted is not None else walk.kept(labels)
    index = tree.nodes[tree.index - 1].parent if tree.index_at_parent else tree.index
    return Found(
        subjects=timeline.subjects[walk.rows],
        prediction_times=walk.points[index],
        labels=None if labels is None else labels > 0,
    )


class _Walk:
    """Where each trigger that is still in has its points of time. `points[i]`, (triggers,), is of node `i`."""

    def __init__(self, timeline: Timeline, rows: Ints) -> None:
        self.rows = rows
        self.points: list[Ints] = [timeline.times[rows]]
        self._timeline = timeline
        self._last: Bools = np.ones(len(rows), np.bool_)

    def step(self, node: Node, label: str) -> Ints | None:
        """Find the node's point for every trigger; keep those that have it and what its window asks for.

        Returns the count of `label` for those that are kept, None without a label.
        """
        timeline, origin = self._timeline, self.points[node.parent]
        first, last = timeline.first[self.rows], timeline.last[self.rows]
        point, keep = self._point(node, origin, first, last)
        early, late = np.minimum(origin, point), np.maximum(origin, point)
        start = timeline.position(first, last, early, "left" if node.left_inclusive else "right")
        stop = timeline.position(first, last, late, "right" if node.right_inclusive else "left")
        for name, (low, high) in node.has.items():
            number = timeline.count(name, start, stop)
            keep &= (number >= low) if low is not None else True
            keep &= (number <= high) if high is not None else True
        self.rows = self.rows[keep]
        self.points = [known[keep] for known in (*self.points, point)]
        self._last = keep
        return timeline.count(label, start[keep], stop[keep]) if label else None

    def kept(self, values: Ints | None) -> Ints | None:
        """Values of the triggers before the last step, for those that it kept."""
        return None if values is None else values[self._last]

    def _point(self, node: Node, origin: Ints, first: Ints, last: Ints) -> tuple[Ints, Bools]:
        """The node's points, and which of them exist.

        The end of a window that an event closes may be the very event that it starts with only if the end is
        inclusive; likewise for a start that is looked for back in time.
        """
        timeline, bound = self._timeline, node.bound
        if not bound.event:
            return origin + bound.shift, np.ones(len(origin), np.bool_)
        if bound.forward:
            begin = timeline.position(first, last, origin, "left" if node.right_inclusive else "right")
            found = timeline.next(bound.event, begin)
            there = found < last
        else:
            end = timeline.position(first, last, origin, "right" if node.left_inclusive else "left")
            found = timeline.previous(bound.event, end)
            there = found >= first
        return timeline.times[np.where(there, found, 0)] if len(found) else origin, there
