"""Find by halving which records kill the process that scores them, and which a model refuses."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from schemas.errors import RecordError, WardroundError

T = TypeVar("T")
V = TypeVar("V")


class ChildDied(Exception):
    """The process that scored these records died, or had to be killed. The text says what of."""


@dataclass(frozen=True)
class Killed:
    """This record killed its process each time it was alone in it; `cause` is what the last one died of."""

    cause: str


def bisect(
    indices: Sequence[int], run: Callable[[list[int]], dict[int, T]], alone_kills: int = 2
) -> dict[int, T | Killed]:
    """Every index with its value, in the order given, or Killed.

    `run` scores records in one fresh process and raises ChildDied if that dies: then each half is tried by itself.
    A record alone must kill `alone_kills` times. With k killers among n records about 2 k log2(n) processes die.
    Raises WardroundError where `run` answers for other records than asked, and what else `run` raises.
    """
    found: dict[int, T | Killed] = {}
    kills: Counter[int] = Counter()
    waiting = [list(indices)] if indices else []
    while waiting:
        part = waiting.pop()
        try:
            values = run(part)
        except ChildDied as death:
            waiting += _after_death(part, str(death), kills, alone_kills, found)
            continue
        if values.keys() != set(part):
            raise WardroundError("a process answered for other records than it was asked for")
        found.update(values)
    return {index: found[index] for index in indices}


def _after_death(
    part: list[int], cause: str, kills: Counter[int], alone_kills: int, found: dict[int, T | Killed]
) -> list[list[int]]:
    """What to try next, the last first."""
    if len(part) > 1:
        middle = len(part) // 2
        return [part[middle:], part[:middle]]
    kills[part[0]] += 1
    if kills[part[0]] < alone_kills:
        return [part]
    found[part[0]] = Killed(cause)
    return []


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
