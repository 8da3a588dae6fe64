from __future__ import annotations

import numpy as np
import pytest

from workers.genomics.files.spans import spans_of

FILE = np.random.default_rng(0).integers(0, 256, 5 + 40 * 7, dtype=np.uint8)


@pytest.mark.parametrize("near", [0, 3, 20, 1000])
@pytest.mark.parametrize("most", [1, 10, 30, 10_000])
@pytest.mark.parametrize("rows", [[0], [39], [0, 1, 2, 9, 10, 30, 39], list(range(40)), []])
def test_every_row_is_read_once_in_order_whatever_the_spans(rows: list[int], near: int, most: int) -> None:
    wanted = np.array(rows, np.int64)
    read = np.empty((len(rows), 4), np.uint8)
    filled = 0
    for span in spans_of(wanted, 5 + 2, 4, 7, near=near, most=most):
        assert span.length <= max(most, 4)
        filled += span.filled(FILE[span.start : span.start + span.length].tobytes()).into(read[filled:])
    assert filled == len(rows)
    assert (read == FILE[5:].reshape(40, 7)[wanted, 2:6]).all()


def test_neighbours_are_read_in_one_and_what_is_far_apart_is_not() -> None:
    spans = list(spans_of(np.array([0, 1, 3, 30]), 0, 7, 7, near=7, most=1 << 20))
    assert [(span.start, span.length) for span in spans] == [(0, 28), (210, 7)]
