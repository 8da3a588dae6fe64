"""Records over time as a drawing."""

from jobs.reporting.pace import pace_grid
from schemas.pace import Pace


def test_a_pause_shows_as_bars_without_any() -> None:
    grid = pace_grid(Pace(start="2026-01-01T00:00:00+00:00", seconds=90, records=(10, 0, 0, 40)))
    assert grid is not None
    (row,) = grid.rows
    assert [cell.text for cell in row[:4]] == ["2026-01-01T00:00:00+00:00", "1 min 30 s", "40", "2"]
    bars = row[4].bars
    assert bars is not None
    assert [(bar.at, bar.height) for bar in bars.bars] == [(0, 10.0), (3, 40.0)]
    assert bars.words == "Records committed in each 1 min 30 s of 6 min 0 s: 40 at most, none in 2 of them"


def test_what_was_committed_at_once_has_no_pace() -> None:
    assert pace_grid(Pace(start="2026-01-01T00:00:00+00:00", seconds=1, records=(10,))) is None
    assert pace_grid(None) is None
