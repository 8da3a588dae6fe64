"""What a person sees while a run goes on."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress as Bar

from cluster.pool import Progress
from jobs.progress import COLUMNS, Pace, Plain, Rich, Tally, open_progress
from schemas.work import ShardReport
from tests.support.small_run import ROOT, write_spec


def progress(done: int, records: int, elapsed: float) -> Progress:
    return Progress(
        total=10,
        done=done,
        failed=0,
        running=2,
        suspects=0,
        records_done=records,
        workers_ready=2,
        workers_starting=1,
        elapsed_s=elapsed,
    )


def test_a_line_says_done_rate_time_left_and_rejects() -> None:
    tally = Tally()
    for shard in range(2):
        tally.add(ShardReport(shard, "committed", {"ok": 90, "unreadable": 10}, rows=100))
    tally.pace.see(progress(0, 0, 0.0))
    assert tally.line(progress(2, 200, 10.0)) == (
        "2 of 10 shards, 200 records, 20/s, about 40 s left, 20 of 200 rejected, 2 workers and 1 starting"
    )


def test_what_is_being_tried_again_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    plain = Plain()
    for trouble in ("", "disk full", "disk full", "", "disk full", "no network"):
        plain.update(replace(progress(0, 0, 0.0), trouble=trouble))
    assert capsys.readouterr().err == "wardround: trying again: disk full\nwardround: trying again: no network\n"


def test_the_rate_begins_with_the_first_record_and_waits_for_two_seconds_of_work() -> None:
    pace = Pace()
    # Workers that scored a sample have its records behind them, and the clock starts anew.
    for elapsed in (0.00002, 0.5, 1.0):
        pace.see(progress(0, 64, elapsed))
        assert pace.rate() is None
    pace.see(progress(0, 164, 2.0))
    assert pace.rate() is None
    pace.see(progress(0, 364, 4.0))
    assert pace.rate() == 100.0


def test_the_rate_is_that_of_the_last_half_minute() -> None:
    pace = Pace()
    for second in range(100):
        pace.see(progress(0, 10 * second if second < 50 else 500 + 1000 * (second - 50), float(second)))
    assert pace.rate() == 1000.0


@pytest.mark.parametrize("width", [24, 40, 70, 120])
def test_there_is_a_bar_at_any_width_and_words_as_they_have_room(width: int) -> None:
    with Bar(
        *COLUMNS, console=Console(file=io.StringIO(), width=width, force_terminal=True, legacy_windows=False)
    ) as bar:
        shown = Rich(bar)
        for elapsed, records in ((0.0, 0), (2.0, 100), (10.0, 1234)):
            shown.update(progress(5, records, elapsed))
        with bar.console.capture() as captured:
            bar.console.print(bar.get_renderable())
    lines = [line for line in captured.get().splitlines() if line.strip()]
    assert len(lines) == 1
    assert lines[0].count("━") >= 8
    assert "5/10" in lines[0]
    assert ("workers" in lines[0]) == (width >= 70)
    assert ("1,234 records" in lines[0]) == (width >= 40)


def test_before_the_first_shard_nothing_is_forecast() -> None:
    assert Tally().line(progress(0, 0, 0.0)) == "0 of 10 shards, 0 records, 2 workers and 1 starting"


def test_plain_lines_come_every_few_seconds_at_most(capsys: pytest.CaptureFixture[str]) -> None:
    plain = Plain()
    for _ in range(100):
        plain.update(progress(1, 100, 5.0))
    assert capsys.readouterr().err == ""


def test_auto_is_plain_where_stderr_is_no_terminal() -> None:
    with open_progress("auto") as shown:
        assert isinstance(shown, Plain)


def read_all(terminal: int) -> str:
    """Everything written to the other end until it is closed, which Linux tells by EIO."""
    seen = b""
    try:
        while part := os.read(terminal, 1 << 16):
            seen += part
    except OSError:
        pass
    os.close(terminal)
    return seen.decode()


@pytest.mark.parametrize(("variable", "coloured"), [("NO_COLOR", False), ("COLORTERM", True)])
def test_on_a_terminal_a_bar_moves_and_no_color_is_honoured(tmp_path: Path, variable: str, coloured: bool) -> None:
    ours, theirs = os.openpty()
    spec = write_spec(tmp_path, str(tmp_path / "out"))
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "NO_COLOR", "TERM")}
    done = subprocess.Popen(
        [sys.executable, "-m", "jobs", "run", str(spec)],
        cwd=ROOT,
        env={**environment, "TERM": "xterm-256color", variable: "1"},
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    seen = read_all(ours)
    out, _ = done.communicate(timeout=120)
    assert done.returncode == 0
    assert "lies at" in out.decode()
    assert "13 records in 4 shards" in seen
    assert "/4" in seen
    assert ("\x1b[38;5;" in seen or "\x1b[32m" in seen) == coloured
