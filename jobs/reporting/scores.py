"""What the models said, as tables: numbers with their distribution, words by how often each was given."""

from collections.abc import Iterator

from jobs.reporting.bars import bars_of
from jobs.reporting.cells import MOST_ROWS, Cell, Grid, count_cell, number, share
from schemas.figures import Figures, Groups, Part
from schemas.numbers import Numbers
from schemas.rows import OutputColumn
from schemas.run import RunFile

_NUMBERS = ("column", "records", "mean", "5 %", "median", "95 %", "lowest", "highest", "distribution")

_MOST_DRAWN = 100
"""Columns of a model with a drawing: each takes three kilobytes of the page."""


def split_grids(run: RunFile, figures: Figures) -> Iterator[Grid]:
    """For each model its numbers by each carried column of few values, all drawn from the same end to the same end."""
    for carried, parts in (figures.by_value or {}).items():
        if parts.too_many or len(parts.parts) < 2:
            continue
        for model in dict.fromkeys(column.model for column in run.columns):
            whole = dict(_numbers(model, run, figures))
            by_part = {part.value: dict(_numbers(model, run, part)) for part in parts.parts}
            rows = [
                [Cell(value), *_numbers_row(name, found[name], drawn=True, frame=whole.get(name))]
                for name in whole
                for value, found in by_part.items()
                if name in found and found[name].values
            ]
            if rows:
                yield Grid(f"Numbers of {model} by {carried}", (carried, *_NUMBERS), rows[:MOST_ROWS])


def score_grids(run: RunFile, figures: Figures) -> Iterator[Grid]:
    """For each model its columns of numbers, then a table for each of its columns of words."""
    for model in dict.fromkeys(column.model for column in run.columns):
        found = list(_numbers(model, run, figures))
        rows = [
            _numbers_row(name, numbers, drawn=at < _MOST_DRAWN) for at, (name, numbers) in enumerate(found[:MOST_ROWS])
        ]
        if rows:
            yield Grid(f"Numbers of {model}", _NUMBERS, rows, _notes(found))
        for column in run.columns:
            if column.model == model and column.name in figures.labels:
                yield from _label_grid(column, figures.labels[column.name])


def _numbers(model: str, run: RunFile, figures: Figures | Part) -> Iterator[tuple[str, Numbers]]:
    """What a model's columns of numbers are called, and their figures."""
    for column in run.columns:
        if column.model == model and column.name in figures.outputs:
            yield ("items of " if column.type.startswith("list<") else "") + column.name, figures.outputs[column.name]
        if column.model == model and column.name in figures.vectors:
            for place, numbers in enumerate(figures.vectors[column.name].numbers):
                yield f"{column.name}[{place}]", numbers


def _numbers_row(name: str, numbers: Numbers, *, drawn: bool, frame: Numbers | None = None) -> list[Cell]:
    spread = (numbers.mean, *(numbers.quantile(share) for share in (0.05, 0.5, 0.95)), numbers.lowest, numbers.highest)
    bars = bars_of(name, numbers, frame) if drawn else None
    return [
        Cell(name),
        count_cell(numbers.values),
        *(Cell(number(value), is_number=True) for value in spread),
        Cell("all alike" if bars is None and numbers.lowest == numbers.highest else "", bars=bars),
    ]


def _notes(found: list[tuple[str, Numbers]]) -> list[str]:
    more = len(found) - MOST_ROWS
    left_out = [f"{more:,} more columns: their figures are in manifest.json"] if more > 0 else []
    lost = {name: numbers.not_finite for name, numbers in found}
    return left_out + [
        f"{count:,} of {name} are no finite number and not in this table" for name, count in lost.items() if count
    ]


def _label_grid(column: OutputColumn, groups: Groups) -> Iterator[Grid]:
    if groups.too_many or not groups.groups:
        return
    given = [group for group in groups.groups if group.value is not None]
    rest = sum(groups.rest.get("", {}).values())
    whole = sum(group.records for group in given) + rest
    ordered = sorted(given, key=lambda group: -group.records)
    rows = [[Cell(group.value or ""), *_share(group.records, whole)] for group in ordered]
    rows += [[Cell(f"{groups.unnamed:,} rarer"), *_share(rest, whole)]] if groups.unnamed else []
    if rows:
        yield Grid(f"Values of {column.name} ({column.model})", (column.name, "records", "share"), rows)


def _share(part: int, whole: int) -> tuple[Cell, Cell]:
    return count_cell(part), Cell(share(part, whole), is_number=True)
