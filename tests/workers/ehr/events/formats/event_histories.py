"""Histories and vocabularies for the tests of the format on events."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from workers.ehr.events.contract import STATIC, Histories

DAY = 86_400_000_000
NAMES = ["GENDER//F", "MEDS_BIRTH", *(f"LAB//{n}//mg" for n in range(20)), *(f"DX//{n}" for n in range(20)), "NEW//1"]


def codes_table() -> pa.Table:
    """Every code of `NAMES` but the last; labs have a scale."""
    known = NAMES[:-1]
    mean = [float(n) if name.startswith("LAB") else None for n, name in enumerate(known)]
    std = [2.0 if name.startswith("LAB") else None for name in known]
    return pa.table(
        {
            "code": known,
            "code/vocab_index": pa.array(range(1, len(known) + 1), pa.uint16()),
            "values/mean": pa.array(mean, pa.float64()),
            "values/std": pa.array(std, pa.float64()),
        }
    )


def some_histories(lengths: list[int], seed: int = 0) -> Histories:
    """Each begins with a static event and a birth, if it is long enough; a tenth of the codes are unknown."""
    rng = np.random.default_rng(seed)
    total = sum(lengths)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    code = rng.integers(2, len(NAMES) - 1, total).astype(np.int32)
    code[rng.random(total) < 0.1] = len(NAMES) - 1
    time = np.cumsum(rng.integers(0, 3, total) * rng.integers(0, 20, total)) * (DAY // 4)
    value = np.where(rng.random(total) < 0.5, rng.normal(10, 5, total), np.nan).astype(np.float32)
    for start, length in zip(offsets[:-1], lengths, strict=True):
        if length > 2:
            code[start], time[start] = 0, STATIC
            code[start + 1] = 1
    return Histories(offsets, time[offsets[1:] - 1] + DAY, NAMES, code, time, value)


def part(histories: Histories, start: int, end: int) -> Histories:
    """Records `start:end` of them."""
    events = slice(histories.offsets[start], histories.offsets[end])
    return Histories(
        histories.offsets[start : end + 1] - histories.offsets[start],
        histories.prediction_time[start:end],
        histories.code_names,
        histories.code[events],
        histories.time[events],
        histories.value[events],
    )
