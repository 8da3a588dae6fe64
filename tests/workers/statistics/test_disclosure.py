"""Small counts are hidden, and nobody computes them from what is shown."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from workers.statistics.disclosure import Table, hidden_groups


def partition(cells: dict[str, list[float]], rest: list[float] | None = None) -> tuple[list[str], Table]:
    """Groups of one partition; `rest` are rows of none."""
    counts = np.array([*cells.values(), *([rest] if rest else [])], np.float64)
    members = np.eye(len(cells), len(counts), dtype=np.bool_)
    return list(cells), Table(members, np.zeros(len(cells), np.int64), counts)


def hidden(cells: dict[str, list[float]], least: int, rest: list[float] | None = None) -> set[str]:
    names, table = partition(cells, rest)
    return {names[group] for group in hidden_groups(table, least)}


def test_groups_with_large_counts_are_shown() -> None:
    assert hidden({"a": [10, 20], "b": [0, 15]}, 10) == set()


def test_a_small_count_hides_its_group_and_a_second_one() -> None:
    assert hidden({"a": [100, 90], "b": [3, 40], "c": [30, 30]}, 10) == {"b", "c"}


def test_the_second_group_is_the_smallest_that_is_left() -> None:
    assert hidden({"a": [100], "b": [3], "c": [60], "d": [50]}, 10) == {"b", "d"}


def test_several_small_groups_hide_each_other_unless_their_sum_is_small() -> None:
    assert hidden({"a": [100], "b": [6], "c": [7]}, 10) == {"b", "c"}
    assert hidden({"a": [100], "b": [2], "c": [3]}, 10) == {"a", "b", "c"}


def test_rows_of_no_group_count_as_a_group_that_is_not_shown() -> None:
    assert hidden({"a": [100], "b": [3]}, 10, rest=[50]) == {"b"}
    assert hidden({"a": [100], "b": [3]}, 10, rest=[2]) == {"a", "b"}


def test_a_second_group_without_such_rows_hides_nothing() -> None:
    """`c` has no positive rows, so that `b` has all that are missing from the total."""
    assert hidden({"a": [100, 100], "b": [3, 30], "c": [0, 40]}, 10) == {"a", "b", "c"}


def crossed(counts: np.ndarray, cross: bool = True) -> Table:
    """Rows and columns of a table, each a partition, and its cells as a third one. `counts`: (rows, columns, cells)."""
    rows, columns, cells = counts.shape
    place = np.arange(rows * columns)
    members = [place // columns == row for row in range(rows)] + [
        place % columns == column for column in range(columns)
    ]
    of = [0] * rows + [1] * columns
    if cross:
        members += [place == one for one in range(rows * columns)]
        of += [2] * (rows * columns)
    return Table(np.array(members), np.array(of), counts.reshape(-1, cells).astype(np.float64))


def test_a_cell_of_a_crossed_table_is_hidden_with_three_others_so_that_no_margin_tells_it() -> None:
    counts = np.full((3, 3, 1), 50)
    counts[0, 0] = 4
    found = hidden_groups(crossed(counts), 10)
    cells = {(group - 6) // 3 * 3 + (group - 6) % 3 for group in found if group >= 6}
    assert 0 in cells
    assert len(cells) >= 4
    assert not any(group < 6 for group in found)


def test_a_site_within_a_region_is_not_told_by_the_region_less_its_other_site() -> None:
    """Two regions of two sites each: of the sites, one small one in each region."""
    members = np.array([[1, 1, 0, 0], [0, 0, 1, 1], *np.eye(4)], np.bool_)
    table = Table(members, np.array([0, 0, 1, 1, 1, 1]), np.array([[6.0], [80], [7], [90]]))
    assert hidden_groups(table, 10) == {2, 3, 4, 5}


def told(table: Table, shown: list[int], group: int, cell: int, most: np.ndarray | None) -> bool:
    """Whether nothing but one count of the group fits what is shown: both ends of what linear programming finds. `most`
    are the atoms' rows of the class, where these are known."""
    members = table.members.astype(np.float64)
    known = np.concatenate([np.ones((1, members.shape[1])), members[shown]])
    sums = known @ table.counts[:, cell]
    bounds = [(0, None if most is None else one) for one in (most if most is not None else table.counts[:, cell])]
    ends = [
        linprog(sign * members[group], A_eq=known, b_eq=sums, bounds=bounds, method="highs").fun for sign in (1, -1)
    ]
    return abs(ends[0] + ends[1]) < 1e-6


shapes = st.tuples(st.integers(2, 4), st.integers(2, 4))


@settings(max_examples=120, deadline=None)
@given(shapes, st.integers(0, 2**32 - 1), st.integers(3, 12), st.booleans())
def test_nobody_computes_a_hidden_count_of_a_crossed_table(
    shape: tuple[int, int], seed: int, least: int, cross: bool
) -> None:
    chance = np.random.default_rng(seed)
    counts = chance.choice([0, 1, 2, 5, 15, 40, 90], (*shape, 2), p=[0.1, 0.1, 0.1, 0.1, 0.2, 0.2, 0.2])
    table = crossed(counts, cross)
    hides = hidden_groups(table, least)
    shown = [group for group in range(len(table.cells)) if group not in hides]
    for group, cells in enumerate(table.cells):
        for cell, count in enumerate(cells):
            is_small = 0 < count < least
            assert not (is_small and group in shown)
            if is_small and table.counts[:, cell].sum() > count:
                assert not told(table, shown, group, cell, None)


@settings(max_examples=80, deadline=None)
@given(shapes, st.integers(0, 2**32 - 1), st.integers(3, 12))
@example((3, 2), 814, 9)
def test_nobody_computes_who_was_missed_at_an_operating_point(shape: tuple[int, int], seed: int, least: int) -> None:
    """Groups and their sick are shown; of the sick, who was found and who was missed."""
    chance = np.random.default_rng(seed)
    sick = chance.choice([0, 20, 60], shape)
    found = chance.binomial(sick, chance.choice([0.5, 0.8, 0.95], shape))
    table = crossed(np.stack([found, sick - found], axis=-1))
    sides = table.counts == 0
    given_ = np.repeat(sides.any(axis=1, keepdims=True), 2, axis=1)
    hides = hidden_groups(table, least, known=given_)
    shown = [group for group in range(len(table.cells)) if group not in hides]
    for group, cells in enumerate(table.cells):
        for cell, count in enumerate(cells):
            if 0 < count < least:
                assert group in hides
                if not set(np.flatnonzero(table.members[group])) <= set(np.flatnonzero(given_[:, cell])):
                    # The count of all rows is always shown: nothing can be hidden from who knows all others.
                    total = table.counts[~given_[:, cell], cell].sum()
                    assert total == count or not told(table, shown, group, cell, table.counts.sum(axis=1))
