"""How fast a run got on, as a drawing."""

from jobs.reporting.amounts import duration
from jobs.reporting.bars import drawn
from jobs.reporting.cells import Cell, Grid, count_cell
from schemas.pace import Pace


def pace_grid(pace: Pace | None) -> Grid | None:
    """Records by the time of their commit; None where all were committed within one span, or it is not known."""
    if pace is None or len(pace.records) < 2:
        return None
    span = duration(pace.seconds)
    told = [
        f"{duration(at * pace.seconds)} to {duration((at + 1) * pace.seconds)}: {count:,}"
        for at, count in enumerate(pace.records)
    ]
    idle = sum(count == 0 for count in pace.records)
    whole = duration(len(pace.records) * pace.seconds)
    words = f"Records committed in each {span} of {whole}: {max(pace.records):,} at most, none in {idle:,} of them"
    row = [
        Cell(pace.start),
        Cell(span),
        count_cell(max(pace.records)),
        count_cell(idle),
        Cell("", bars=drawn(pace.records, told, words)),
    ]
    names = ("first commit", "each bar", "most records in one", "bars without any", "records over time")
    return Grid("Pace", names, [row], ["By the storage's clock; time in which nothing ran is there too"])
