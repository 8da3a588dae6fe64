import numpy as np
import polars as pl
import pytest

from workers.evaluation.tally import Tally
from workers.statistics.discrimination import auroc


def rows(scores: list[float], truths: list[float], subjects: list[str | None] | None = None) -> pl.DataFrame:
    return pl.DataFrame(
        {"score": scores, "truth": truths, "subject": subjects or [None] * len(scores)},
        schema={"score": pl.Float64, "truth": pl.Float64, "subject": pl.String},
    )


def test_rows_without_a_subject_are_subjects_of_their_own() -> None:
    tally = Tally(100)
    tally.add(rows([0.1, 0.2, 0.3, 0.4], [0, 1, 0, 1], ["a", None, "a", None]))
    table = tally.table()
    assert table.subjects_repeat
    assert len(np.unique(table.subjects)) == 3
    assert table.subjects[0] == table.subjects[2]


def test_more_rows_than_are_kept_go_into_bins() -> None:
    generator = np.random.default_rng(0)
    scores, truths = generator.random(90).round(3), generator.integers(0, 2, 90).astype(float)
    exact, binned = Tally(1000), Tally(50)
    for start in range(0, 90, 30):
        part = rows(scores[start : start + 30].tolist(), truths[start : start + 30].tolist())
        exact.add(part)
        binned.add(part)
    assert (exact.is_exact, binned.is_exact) == (True, False)
    assert binned.rows == 90
    assert auroc(binned.ranks()).value == pytest.approx(auroc(exact.ranks()).value, abs=1e-3)


def test_nothing_added_is_no_rows() -> None:
    assert Tally(10).ranks().lacks == "no rows"
    assert not Tally(10).table().subjects_repeat
