"""The one loop that reads ahead: so many chunks in flight, bounded in bytes, handed on in order."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

from workers.pipeline.byte_budget import ByteBudget

Chunk = TypeVar("Chunk")
Done = TypeVar("Done")


def read_ahead(
    chunks: Iterable[Chunk],
    submit: Callable[[Chunk], Future[Done]],
    depth: int,
    budget: ByteBudget | None = None,
    nbytes: Callable[[Done], int] | None = None,
) -> Generator[tuple[Chunk, Done], None, None]:
    """Each chunk with what `submit` makes of it, in order; `depth - 1` are in flight while one is worked on.

    Starts nothing while the budget is full. What is charged is the affair of who does the work, and of who takes it;
    closed before its end, it takes `nbytes` of all that it did not hand on off the budget, of what is being made once
    it is there. Raises what the work raises.
    """
    ahead: deque[tuple[Chunk, Future[Done]]] = deque()
    try:
        for chunk in chunks:
            while ahead and (len(ahead) >= depth or (budget is not None and budget.held >= budget.limit)):
                yield _next(ahead)
            # With something ahead it might be waiting for what only its own consumer takes.
            if budget is not None and not ahead:
                budget.wait_below()
            ahead.append((chunk, submit(chunk)))
        while ahead:
            yield _next(ahead)
    finally:
        for _, future in ahead:
            future.cancel()
            if budget is not None and nbytes is not None:
                # Not at once: what is under way cannot be cancelled, and counts once it is made.
                future.add_done_callback(partial(take_off, budget, nbytes))


def take_off(budget: ByteBudget, nbytes: Callable[[Done], int], future: Future[Done]) -> None:
    """Take what was made, and nobody waits for any more, off the budget. For `add_done_callback`."""
    if not future.cancelled() and future.exception() is None:
        budget.add(-nbytes(future.result()))


def _next(ahead: deque[tuple[Chunk, Future[Done]]]) -> tuple[Chunk, Done]:
    chunk, future = ahead.popleft()
    return chunk, future.result()
