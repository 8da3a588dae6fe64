"""Which cells of a table may be shown: small counts point at persons, and so does what lets them be computed."""

from collections.abc import Mapping, Sequence


def hidden_groups(cells: Mapping[str, Sequence[float]], least: int) -> frozenset[str]:
    """The groups of one partition that must not be shown.

    `cells` are the counts that are shown of each group; the totals over all groups are shown too. A group is hidden
    where a count lies above 0 and below `least`. One hidden group alone could be computed from the totals: then the
    smallest other one is hidden with it, so that two are, whose counts together reach `least`.
    """
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
