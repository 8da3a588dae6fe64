"""Find by halving which records a model refuses."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from schemas.errors import RecordError

T = TypeVar("T")
V = TypeVar("V")


def score_in_halves(
    items: Sequence[T], score: Callable[[Sequence[T]], V], refuse: Callable[[T, RecordError], None]
) -> list[tuple[Sequence[T], V]]:
    """The items with what `score` made of them: all at once, or, where it raises RecordError, in halves.

    One item may be to blame for all, and none is to suffer for another: `refuse` gets each that is refused alone.
    Raises what else `score` raises.
    """
    try:
        return [(items, score(items))]
    except RecordError as error:
        if len(items) == 1:
            refuse(items[0], error)
            return []
    middle = len(items) // 2
    return [done for half in (items[:middle], items[middle:]) for done in score_in_halves(half, score, refuse)]
