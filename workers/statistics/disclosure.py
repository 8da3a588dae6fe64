"""Which cells of linked tables may be shown: small counts point at persons, and so does what lets them be computed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_NONE = 1e-6


@dataclass(frozen=True)
class Table:
    """Rows counted by every combination of groups that occurs, an atom each. `members` is (groups, atoms): whether an
    atom's rows are in the group; `partition` numbers the partition that each group is of. `counts` is (atoms, cells).
    """

    members: NDArray[np.bool_]
    partition: NDArray[np.int64]
    counts: Floats

    @property
    def cells(self) -> Floats:
        """(groups, cells): the counts of each group."""
        return np.asarray(self.members @ self.counts, np.float64)


def hidden_groups(
    table: Table, least: int, already: Sequence[int] = (), known: NDArray[np.bool_] | None = None
) -> set[int]:
    """The groups that must not be shown, and those `already` hidden.

    A group is hidden where a count lies above 0 and below `least`. The counts of all other groups are shown, and those
    of all rows. So more groups are hidden, the smallest first, until no small count is a sum or difference of what is
    shown, and what is left of a shown group, or of all rows, beside the shown groups of another partition inside it is
    no small count either. `known` (atoms, cells) are counts that somebody may know: of none of their rows, or all.
    """
    cells, total = table.cells, table.counts.sum(axis=0)
    small = (cells > 0) & (cells < least)
    hidden = {*already, *np.flatnonzero(small.any(axis=1)).tolist()}
    given = (table.counts == 0) if known is None else known
    inside = _inside(table.members)
    while hidden:
        shown = [group for group in range(len(cells)) if group not in hidden]
        more = _small_remainder(table, shown, inside, least)
        if more is None:
            more = _computable(table, shown, small, total, given)
        if more is None:
            break
        hidden.add(more)
    return hidden


def _inside(members: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(groups, groups): whether all rows of the second are in the first."""
    outside = (~members).astype(np.float64) @ members.astype(np.float64).T
    return np.asarray(outside == 0, np.bool_)


def _small_remainder(table: Table, shown: list[int], inside: NDArray[np.bool_], least: int) -> int | None:
    """The smallest shown group of a partition beside which a small count of all rows, or of a shown group, is left."""
    size, everyone = table.cells.sum(axis=1), np.ones(table.members.shape[1], np.bool_)
    for whole in [None, *shown]:
        rows = everyone if whole is None else table.members[whole]
        for partition in np.unique(table.partition):
            if whole is not None and table.partition[whole] == partition:
                continue
            parts = [
                one
                for one in shown
                if table.partition[one] == partition and size[one] and (whole is None or inside[whole, one])
            ]
            if not parts:
                continue
            left = table.counts[rows & ~table.members[parts].any(axis=0)].sum(axis=0)
            if ((left > 0) & (left < least)).any():
                return min(parts, key=lambda one: (size[one], one))
    return None


def _computable(
    table: Table, shown: list[int], small: NDArray[np.bool_], total: Floats, given: NDArray[np.bool_]
) -> int | None:
    """The smallest shown group by which a small count that is hidden could be computed."""
    size = table.cells.sum(axis=1)
    for cell in range(small.shape[1]):
        open_ = ~given[:, cell]
        asked = [group for group in np.flatnonzero(small[:, cell]) if table.members[group][open_].any()]
        if not asked:
            continue
        rows = np.concatenate([np.ones((1, open_.sum())), table.members[shown][:, open_].astype(np.float64)])
        targets = table.members[asked][:, open_].astype(np.float64)
        # By products of rows, which are few, since atoms may be many.
        found = np.linalg.lstsq(rows @ rows.T, rows @ targets.T, rcond=None)[0]
        away = ((found.T @ rows - targets) ** 2).sum(axis=1)
        for place in np.flatnonzero(away < _NONE):
            used = [shown[at] for at in np.flatnonzero(np.abs(found[1:, place]) > _NONE)]
            if used:
                return min(used, key=lambda one: (size[one], one))
    return None
