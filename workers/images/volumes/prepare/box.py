"""The smallest box around voxels that are chosen."""

from collections.abc import Callable, Iterable

import numpy as np

from workers.contract import Array


def box(channels: Iterable[Array], chosen: Callable[[Array], Array]) -> tuple[list[int], list[int]] | None:
    """First index, and the one behind the last, along i, j and k of what is chosen in any of the channels, each
    (i, j, k); None where nothing is. Plane by plane, so that it takes no memory.
    """
    seen: list[Array] | None = None
    for channel in channels:
        if seen is None:
            seen = [np.zeros(side, bool) for side in channel.shape]
        for i, plane in enumerate(channel):
            mask = chosen(plane)
            rows = mask.any(axis=1)
            if rows.any():
                seen[0][i] = True
                seen[1] |= rows
                seen[2] |= mask.any(axis=0)
    if seen is None or not seen[0].any():
        return None
    places = [np.flatnonzero(side) for side in seen]
    return [int(place[0]) for place in places], [int(place[-1]) + 1 for place in places]
