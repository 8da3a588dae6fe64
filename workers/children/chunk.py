"""What becomes of a chunk whose decoding process dies: who is to blame, what is tried again."""

from collections import Counter, deque
from collections.abc import Callable, Sequence

from schemas.errors import InfrastructureError
from schemas.status import Status
from workers.children.child import Answer
from workers.children.contract import Request, Result

KILLS_TO_CONDEMN = 2
"""A record that ended its process is tried again alone in a fresh one; if that dies too, the record did it."""

_LOSSES_IN_A_ROW = 3


def decode_chunk(chunk: Sequence[Request], ask: Callable[[Sequence[Request]], Answer]) -> list[Result]:
    """One result a request, in order, whatever dies on the way. `ask` replaces a dead process by a fresh one.

    What was finished before a death is kept. Raises InfrastructureError where processes keep dying with no record at
    hand.
    """
    results: dict[int, Result] = {}
    groups = deque([list(range(len(chunk)))])
    strikes: Counter[int] = Counter()
    losses = 0
    while groups:
        group = groups.popleft()
        answer = ask([chunk[index] for index in group]) if group else Answer([])
        results.update(zip(group, answer.results, strict=False))
        rest = group[len(answer.results) :]
        if not rest:
            continue
        if answer.end == "lost":
            # Only losses in a row without progress speak of a sick node.
            losses = 1 if answer.results else losses + 1
            _check(losses, answer)
            groups.appendleft(rest)
            continue
        losses = 0
        suspect, *others = rest
        groups.appendleft(others)
        strikes[suspect] += 1
        # A second try would cost the whole time limit once more.
        if answer.end == "timed_out" or strikes[suspect] == KILLS_TO_CONDEMN:
            results[suspect] = condemned(answer)
        else:
            groups.appendleft([suspect])
    return [results[index] for index in range(len(chunk))]


def condemned(answer: Answer) -> Result:
    """The result of the record that ended its process."""
    if answer.end == "timed_out":
        return Result(status=Status.TIMED_OUT, detail="decoding took longer than the time limit of a record")
    if answer.end == "out_of_memory":
        return Result(status=Status.TOO_LARGE, detail="decoding needs more memory than a decoding process may use")
    return Result(status=Status.CRASHED_WORKER, detail=f"killed the decoding process twice ({answer.cause})")


def _check(losses: int, answer: Answer) -> None:
    if losses >= _LOSSES_IN_A_ROW:
        raise InfrastructureError(
            f"decoding processes died {losses} times in a row with no record at hand ({answer.cause}): "
            "check the memory of the node"
        )
