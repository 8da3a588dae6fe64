"""What a DICOMweb service's answers are that are no success, beside those of every store (`cluster.storage.errors`)."""

from cluster.storage.errors import ObjectError, TransientError
from schemas.errors import InfrastructureError, RecordError
from schemas.status import Status


class Unproved(TransientError):
    """An answer that cannot be what was asked for: of a proxy, a cache, a page to sign in at, or cut off."""


class Later(TransientError):
    """The service itself says that it may answer another time: 408, 409, 423, 425, 429, 503. No news of an instance."""


class Busy(Later):
    """It says when: in `after` seconds (`Retry-After`, RFC 9110, 10.2.3)."""

    def __init__(self, message: str, after: float) -> None:
        super().__init__(message)
        self.after = after


class Failed(TransientError):
    """The service, or who speaks for it, failed with this status: 500, 502, 504 and the like."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class InVain(TransientError):
    """A question that was asked as often as it may be. `last`: what came of it the last time."""

    def __init__(self, last: TransientError, tried: int) -> None:
        super().__init__(f"{last} (tried {tried} times)")
        self.last = last


class NotGiven(InfrastructureError):
    """The service refuses a question with a status that it will have the next time, too."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class NeverGiven(ObjectError, RecordError):
    """An instance does not come, however often it is asked for, while others do: its record is `unreadable`.

    An ObjectError, so that readers below a parser keep it; a RecordError, so that it is a row wherever one is made.
    """

    def __init__(self, why: str) -> None:
        super().__init__(Status.UNREADABLE, f"the service gives other instances and never this one: {why}")
