from __future__ import annotations

import numpy as np
import pytest

from workers.genomics.kernels.probabilities import copies_of_two


@pytest.mark.parametrize("kind", ["<u1", "<u2", "<u4", "<i8"])
def test_copies_are_twice_one_probability_and_once_the_other(kind: str) -> None:
    table = np.array([[255, 0], [0, 255], [0, 0], [100, 101], [200, 56]], kind)
    copies, most = copies_of_two(table, 255)
    first = np.array([2, 1, 0, 301 / 255, 456 / 255])
    np.testing.assert_allclose(copies, [first, 2 - first], atol=1e-6)
    assert most == 256


def test_of_nobody_there_are_none() -> None:
    copies, most = copies_of_two(np.zeros((0, 2), np.uint8), 255)
    assert (copies.shape, most) == ((2, 0), 0)
