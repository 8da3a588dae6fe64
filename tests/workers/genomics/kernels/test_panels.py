from __future__ import annotations

import numpy as np
import pytest

from workers.genomics.kernels.codes import pack
from workers.genomics.kernels.lookup import index_rows
from workers.genomics.kernels.panels import TABLES, TOGETHER, panel_adder


@pytest.mark.parametrize(("wide", "columns", "relative"), [(True, 4, 1e-13), (False, 16, 1e-5)])
def test_a_panel_adds_what_a_matrix_product_of_the_features_gives(wide: bool, columns: int, relative: float) -> None:
    add, width = panel_adder(wide)
    assert width == columns
    random = np.random.default_rng(3)
    number = np.float64 if wide else np.float32
    calls = random.integers(0, 4, (2 * TOGETHER, 32)).astype(np.int8)
    values = random.normal(size=(2 * TOGETHER, 4)).astype(number)
    weights = random.normal(size=(2 * TOGETHER, columns)).astype(number)
    index = np.zeros((2 * TABLES, 32), np.uint8)
    index_rows(pack(calls), np.arange(2 * TOGETHER).reshape(-1, 4), 0, 8, index)
    total = np.ones((32, columns))
    add(index, values, weights, total)
    shown = np.take_along_axis(values.astype(np.float64), calls.astype(np.int64), axis=1)
    np.testing.assert_allclose(total, 1 + shown.T @ weights.astype(np.float64), rtol=relative, atol=relative * 30)


def test_no_group_adds_nothing() -> None:
    add, columns = panel_adder(True)
    total = np.full((4, columns), 7.0)
    add(np.zeros((0, 4), np.uint8), np.zeros((0, 4)), np.zeros((0, columns)), total)
    assert (total == 7).all()
