"""What became of the records, as tables: by model, by reason, by what was carried."""

from collections.abc import Iterable, Iterator, Mapping

from jobs.reporting.cells import Cell, Grid, count_cell, share
from schemas.figures import FEWEST_RECORDS, MOST_VALUES, Counts, Figures, Groups
from schemas.status import Status

_MOST_REASONS = 20


def model_grid(by_model: Mapping[str, Counts]) -> Grid | None:
    """Statuses in each of several models; None where there is one."""
    if not by_model:
        return None
    statuses = _in_order(by_model.values())
    rows = [[Cell(model), *_counted(counts, statuses)] for model, counts in by_model.items()]
    return Grid("Records by model", ("model", "records", *statuses, "not ok"), rows)


def reason_grid(figures: Figures) -> Grid | None:
    """Why records were not scored, and what to know of those that were; None where no row says anything."""
    told = [group for group in figures.reasons.groups if group.value is not None]
    if not told:
        return None
    told.sort(key=lambda group: -group.records)
    rows = [
        [Cell(status), Cell(group.value or ""), count_cell(count)]
        for group in told[:_MOST_REASONS]
        for status, count in group.statuses[""].items()
    ]
    more = [f"{len(told) - _MOST_REASONS:,} more reasons: wardround rows"] if len(told) > _MOST_REASONS else []
    return Grid("Reasons", ("status", "reason", "records"), rows, more)


def carried_grids(figures: Figures) -> Iterator[Grid]:
    """Statuses by each carried column that has few values."""
    for name, groups in figures.carried.items():
        if not groups.too_many and any(group.value is not None for group in groups.groups):
            yield _carried_grid(name, groups)


def left_out(figures: Figures) -> list[str]:
    """Carried columns of which no table is shown."""
    shown = {grid.names[0] for grid in carried_grids(figures)}
    return [name for name in figures.carried if name not in shown]


WHY_LEFT_OUT = (
    f"a column is shown by value if it has {MOST_VALUES} at most, and a value if at least {FEWEST_RECORDS} records of "
    "more than one subject have it, so that none names a person"
)


def _carried_grid(name: str, groups: Groups) -> Grid:
    models = [model for model in groups.groups[0].statuses if model] or [""]
    of_models = len(models) > 1 or bool(models[0])
    found = [("(none)" if group.value is None else group.value, group.statuses) for group in groups.groups]
    if groups.unnamed:
        found.append((f"{groups.unnamed:,} rarer", groups.rest))
    statuses = _in_order(counts[model] for _, counts in found for model in models)
    rows = [
        [Cell(value), *([Cell(model)] if of_models else []), *_counted(counts[model], statuses)]
        for value, counts in found
        for model in models
    ]
    names = (name, *(["model"] if of_models else []), "records", *statuses, "not ok")
    return Grid(f"Records by {name}", names, rows)


def _in_order(counts: Iterable[Counts]) -> list[str]:
    """Statuses that occur: ok, then in the order of their list."""
    there = {status for one in counts for status in one}
    return [str(status) for status in Status if status in there]


def _counted(counts: Counts, statuses: list[str]) -> list[Cell]:
    whole = sum(counts.values())
    rejected = whole - counts.get(Status.OK, 0)
    return [
        count_cell(whole),
        *(count_cell(counts.get(status, 0)) for status in statuses),
        Cell(share(rejected, whole), is_number=True),
    ]
