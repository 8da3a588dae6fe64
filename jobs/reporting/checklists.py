"""What a guideline asks for, as a table of the report with its blanks."""

from collections.abc import Iterator

from jobs.reporting.cells import Cell, Grid
from schemas.checklist import Checklist, ChecklistItem

NOT_STATED = "not stated"


def checklist_grid(checklist: Checklist) -> Grid:
    """A row an item, the blanks named below."""
    blanks = [item.number for item in checklist.items if item.is_blank]
    notes = [f"Blank: {', '.join(blanks)}"] if blanks else ["No blanks"]
    rows = [list(_cells(item)) for item in checklist.items]
    return Grid("What it asks for, and where it is told", ("item", "asks for", "here", "the author says"), rows, notes)


def _cells(item: ChecklistItem) -> Iterator[Cell]:
    yield Cell(item.number)
    yield Cell(item.asks)
    yield Cell(item.told or ("" if item.by_author else NOT_STATED), anchor=item.anchor if item.told else "")
    yield Cell(item.statement or (NOT_STATED if item.by_author else ""))
