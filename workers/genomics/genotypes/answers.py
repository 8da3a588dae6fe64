"""What a model says of the samples of a shard, and the rows that it becomes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.status import Status


@dataclass(frozen=True)
class Answer:
    """One model's columns by output, null where there is nothing; and what became of every sample in it."""

    values: Mapping[str, Any]
    statuses: Sequence[Status]
    details: Sequence[str | None]


def columns_of(
    names: Sequence[tuple[str, str, str]], answers: Mapping[str, Answer], rows: int
) -> tuple[dict[str, Any], list[Status], list[str | None]]:
    """Columns, given as (name, model, output), by name; and the rows' own status and detail, which with a single model
    are the model's. An empty output is a model's status."""
    values: dict[str, Any] = {}
    for name, model, output in names:
        answer = answers[model]
        values[name] = answer.values[output] if output else [str(status) for status in answer.statuses]
    if len(answers) == 1:
        (only,) = answers.values()
        return values, list(only.statuses), list(only.details)
    return values, [Status.OK] * rows, [None] * rows


def refused(status: Status, detail: str, outputs: Sequence[str], rows: int) -> Answer:
    """No sample has a value."""
    return Answer({name: [None] * rows for name in outputs}, [status] * rows, [detail] * rows)
