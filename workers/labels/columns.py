"""Columns that a spec names."""

from collections.abc import Sequence

from schemas.errors import SpecError
from schemas.loading import nearest


def require(column: str, among: Sequence[str], asked_by: str, where: str) -> None:
    """Raises SpecError for a column that is not there, with the nearest one. `asked_by`: the key under `input`."""
    if column not in among:
        hint = nearest(column, among) or "."
        raise SpecError(
            f"input.{asked_by}: no column {column!r} in the {where}{hint} There: {', '.join(sorted(set(among)))}"
        )
