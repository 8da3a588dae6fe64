"""What becomes of records whose process dies over them: who is to blame, what is tried again."""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from schemas.errors import InfrastructureError
from schemas.status import Status
from workers.children.contract import Request, Result

KILLS_TO_CONDEMN = 2
"""A record that ended its process is tried again alone in a fresh one; if that dies too, the record did it."""

_LOSSES_IN_A_ROW = 3

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Answer(Generic[R]):
    """What came of some records: the results of the first of them, and how it ended if those are not all.

    `died` and `out_of_memory`: the process is gone, at the record after the last result; `lost`: it is gone and no
    record is to blame; `timed_out`: it was killed over that record. `cause` says what of. `at_hand`: so many records
    were at hand together, from that one on.
    """

    results: Sequence[R]
    end: Literal["complete", "died", "out_of_memory", "timed_out", "lost"] = "complete"
    cause: str = ""
    at_hand: int = 1


def in_turn(
    records: Sequence[T], ask: Callable[[Sequence[T]], Answer[R]], condemn: Callable[[T, Answer[R]], R]
) -> list[R]:
    """One result a record, in order, whatever dies on the way. `ask` replaces a dead process by a fresh one.

    What was finished before a death is kept. `condemn` gives the result of a record that ended its process. Raises
    InfrastructureError where processes keep dying with no record at hand.
    """
    results: dict[int, R] = {}
    groups = deque([list(range(len(records)))])
    strikes: Counter[int] = Counter()
    losses = 0
    while groups:
        group = groups.popleft()
        answer: Answer[R] = ask([records[index] for index in group]) if group else Answer([])
        results.update(zip(group, answer.results, strict=False))
        rest = group[len(answer.results) :]
        if not rest:
            continue
        if answer.end == "lost":
            # Only losses in a row without progress speak of a sick node.
            losses = 1 if answer.results else losses + 1
            _check(losses, answer.cause)
            groups.appendleft(rest)
            continue
        losses = 0
        groups.appendleft(rest[answer.at_hand :])
        if answer.at_hand > 1:
            # One of them did it, which is for the next process to tell.
            groups.appendleft(rest[: answer.at_hand])
            continue
        suspect = rest[0]
        strikes[suspect] += 1
        # A second try would cost the whole time limit once more.
        if answer.end == "timed_out" or strikes[suspect] == KILLS_TO_CONDEMN:
            results[suspect] = condemn(records[suspect], answer)
        else:
            groups.appendleft([suspect])
    return [results[index] for index in range(len(records))]


def decode_chunk(chunk: Sequence[Request], ask: Callable[[Sequence[Request]], Answer[Result]]) -> list[Result]:
    """`in_turn` of requests to decode."""
    return in_turn(chunk, ask, lambda _, answer: condemned(answer))


def condemned(answer: Answer[Result]) -> Result:
    """The result of the request that ended its process."""
    if answer.end == "timed_out":
        return Result(status=Status.TIMED_OUT, detail="decoding took longer than the time limit of a record")
    if answer.end == "out_of_memory":
        return Result(status=Status.TOO_LARGE, detail="decoding needs more memory than a decoding process may use")
    return Result(status=Status.CRASHED_WORKER, detail=f"killed the decoding process twice ({answer.cause})")


def _check(losses: int, cause: str) -> None:
    if losses >= _LOSSES_IN_A_ROW:
        raise InfrastructureError(
            f"processes of a worker died {losses} times in a row with no record at hand ({cause}): "
            "check the memory of the node"
        )
