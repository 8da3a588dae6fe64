"""Which cells of a table may be shown: small counts point at persons, and so does what lets them be computed."""

from collections.abc import Mapping, Sequence


def hidden_groups(cells: Mapping[str, Sequence[float]], least: int, rest: Sequence[float] = ()) -> frozenset[str]:
    """The groups of one partition that must not be shown.

    `cells` are the counts that are shown of each group; the totals over all groups are shown too. A group is hidden
    where a count lies above 0 and below `least`. One hidden group alone could be computed from the totals: then the
    smallest other one is hidden with it, so that two are, whose counts together reach `least`. `rest` are the counts of
    the rows of no group: they are not shown, and where they are small, groups are hidden with them.
    """
    nobody = not any(rest)
    if not nobody:
        cells = {**cells, _REST: rest}
    found = _hidden(cells, least)
    return found if nobody else found - {_REST}


_REST = "\0"
"""Stands for the rows of no group, beside the names of groups."""


def _hidden(cells: Mapping[str, Sequence[float]], least: int) -> frozenset[str]:
    small = {name for name, counts in cells.items() if any(0 < count < least for count in counts)}
    if not small:
        return frozenset()
    by_size = sorted((name for name in cells if name not in small), key=lambda name: (sum(cells[name]), name))
    for name in by_size:
        if len(small) > 1 and _safe(cells, small, least):
            break
        small.add(name)
    return frozenset(small)


def _safe(cells: Mapping[str, Sequence[float]], hidden: set[str], least: int) -> bool:
    """Whether what follows from the totals, the sum over all hidden groups, is no small count itself."""
    sums = [sum(column) for column in zip(*(cells[name] for name in sorted(hidden)), strict=True)]
    return all(count == 0 or count >= least for count in sums)
