"""Members that contradict each other: of one name, or in one place."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from workers.reading.archives.names import ArchiveKind
from workers.reading.archives.places import MemberFault
from workers.reading.archives.spool import MemberSpool


@dataclass
class Quarrels:
    """Places of members that are passed over, as another stands for them, and faults of others by their place."""

    dropped: set[int] = field(default_factory=set)
    faults: dict[int, MemberFault] = field(default_factory=dict)


def quarrels(spool: MemberSpool, kind: ArchiveKind, size: int) -> Quarrels:
    """What is wrong between the members of an archive of `size` bytes, inflated if it is compressed as a whole.

    Of members of one name the last one counts in a tar, where one that was appended replaces those before; in a zip,
    where nothing says which, they must have the same content.
    """
    found = Quarrels()
    begins, ends = spool.spans
    if kind != "zip":
        found.faults.update(dict.fromkeys(np.flatnonzero(ends > size).tolist(), MemberFault.CUT_OFF))
    else:
        found.faults.update(dict.fromkeys(_overlapping(begins, ends).tolist(), MemberFault.OVERLAPS))
    for rows in _of_one_name(spool).values():
        kept = next(iter(rows)) if kind == "zip" else next(reversed(rows))
        found.dropped.update(row for row in rows if row != kept)
        if kind == "zip" and len({_content(version) for version in rows.values()}) > 1:
            found.faults[kept] = MemberFault.DIFFERENT
    return found


def _overlapping(begins: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.intp]:
    """Those that begin before another has ended, and that other."""
    taken = np.flatnonzero(ends > 0)
    order = taken[np.argsort(begins[taken], kind="stable")]
    if not order.size:
        return order
    reach = np.maximum.accumulate(ends[order])
    late = np.flatnonzero(begins[order][1:] < reach[:-1])
    # The one that reaches furthest so far is the first that has this reach.
    holders = np.searchsorted(reach, reach[late])
    return np.unique(order[np.concatenate([late + 1, holders])])


def _of_one_name(spool: MemberSpool) -> Mapping[str, dict[int, str]]:
    """Versions by place of all members of a name that several have."""
    hashes = spool.hashes
    ordered = np.sort(hashes)
    repeated = np.isin(hashes, ordered[1:][ordered[1:] == ordered[:-1]])
    if not repeated.any():
        return {}
    found: defaultdict[str, dict[int, str]] = defaultdict(dict)
    for place, (name, version, _) in enumerate(spool.rows()):
        if repeated[place]:
            found[name][place] = version
    return {name: rows for name, rows in found.items() if len(rows) > 1}


def _content(version: str) -> tuple[str, ...]:
    """Size and checksum, or what is wrong with it."""
    fields = version.rpartition("!")[2].split(",")
    return (fields[2], fields[4]) if len(fields) == 5 else tuple(fields)
