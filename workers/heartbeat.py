"""When this process last got on with its records, for whoever has to tell a long computation from one without end.

A hang of somebody else's code (a tokenizer's pattern, a graph that loops) shows as a process that computes and computes
and finishes nothing. One that only waits, for storage or for a device, is not meant.
"""

import math
import time
from typing import NamedTuple

AFTER_READING = 16
"""Records that reading works on at a time, about."""


class _Beat(NamedTuple):
    """When it was, the processor time until then, and how much longer than one record what follows may take."""

    at: float
    computed: float
    share: float


_last = [_Beat(0.0, 0.0, 1.0)]


def beat(records: int = AFTER_READING) -> None:
    """Something was finished; what comes next is about so many records, which do not all take as long as one may."""
    _last[0] = _Beat(time.monotonic(), time.process_time(), 1 + math.log2(max(1, records)))


def is_stalled(record_timeout_s: float) -> bool:
    """Whether this process has computed for longer than what it has in hand may take."""
    last = _last[0]
    patience = record_timeout_s * last.share
    waited, computed = time.monotonic() - last.at, time.process_time() - last.computed
    return waited > patience and computed > patience / 2
