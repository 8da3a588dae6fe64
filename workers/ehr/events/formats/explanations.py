"""What each event adds to a score, as rows of an output column."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.ehr.events.contract import STATIC
from workers.ehr.events.formats.batches import Shard
from workers.ehr.events.formats.times import Integers


def contributions(
    shard: Shard, records: Integers, shares: NDArray[np.float32], settings: Mapping[str, Any]
) -> list[list[list[dict[str, Any]]]]:
    """For each record and label the events in their order, or the `top` ones, the largest first.

    `shares` (events, labels) are those of the events of `records`, record by record.
    """
    origins = [part.origin for part in shard.parts]
    place = np.concatenate([origin.place for origin in origins if origin])[shard.places(records)]
    time = np.concatenate([origin.time for origin in origins if origin])[shard.places(records)]
    names = [[origin.code_names[code] for code in origin.code.tolist()] for origin in origins if origin]
    every_name = np.array([name for part in names for name in part], dtype=object)[shard.places(records)]
    answers, end = [], 0
    for length in shard.lengths[records].tolist():
        start, end = end, end + length
        answers.append(
            [
                [
                    _row(int(place[event]), int(time[event]), every_name[event], share, settings)
                    for event, share in _largest(shares[start:end, label], start, settings["top"])
                ]
                for label in range(shares.shape[1])
            ]
        )
    return answers


def _largest(shares: NDArray[np.float32], start: int, top: int | None) -> list[tuple[int, float]]:
    order = np.arange(len(shares)) if top is None else np.argsort(-np.abs(shares), kind="stable")[:top]
    return [(start + int(event), float(shares[event])) for event in order]


def _row(place: int, time: int, code: str, share: float, settings: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"event": place, "time": None if time == STATIC else time, "contribution": share}
    if settings["codes"]:
        row["code"] = code
    return row
