"""Try again, with pauses that grow and differ between processes."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from cluster.storage.errors import BucketMissing, ObjectChanged, ObjectMissing, TransientError

T = TypeVar("T")


@dataclass(frozen=True)
class Backoff:
    """`attempts` tries; before each but the first a pause of half to all of `first` seconds, doubled up to `longest`.

    The jitter keeps thousands of workers from coming back at once (Brooker, "Exponential Backoff And Jitter", 2015).
    """

    attempts: int = 8
    first: float = 0.2
    longest: float = 20.0

    def pauses(self) -> Iterator[float]:
        """Seconds to wait before each try; 0 before the first."""
        yield 0.0
        for retry in range(self.attempts - 1):
            yield min(self.longest, self.first * 2**retry) * random.uniform(0.5, 1.0)

    def doubts(self) -> Iterator[float]:
        """Seconds between questions that one answer does not settle: long beside a hiccup of a server."""
        return iter([min(self.longest, self.first * times) for times in (5, 10)])


def again(call: Callable[[], T], backoff: Backoff) -> T:
    """The result of `call`, tried again after each TransientError. Raises the last one when no try is left."""
    failure = TransientError("no attempt was made")
    for pause in backoff.pauses():
        time.sleep(pause)
        try:
            return call()
        except TransientError as error:
            refuse_second(error, failure)
            failure = error
    raise TransientError(f"{failure} (tried {backoff.attempts} times)") from None


def refuse_second(error: TransientError, before: TransientError | None) -> None:
    """Raise a missing bucket that was told of twice in a row."""
    if isinstance(error, BucketMissing) and isinstance(before, BucketMissing):
        raise error from None


def settled(call: Callable[[], T], backoff: Backoff) -> T:
    """The result of `call` about an object that was seen before.

    One answer that it is not there, or that it is another one, may be that of a server which has lost its way for a
    moment, so it is asked again, apart in time. Raises ObjectMissing or ObjectChanged where all answers say so.
    """
    for pause in backoff.doubts():
        try:
            return call()
        except (ObjectMissing, ObjectChanged):
            time.sleep(pause)
    return call()
