"""What a store says of one object, and of one attempt. The rest is in schemas/errors.py.

    ObjectError                        the store answered; it is about this object
    ├── ObjectMissing                  no object has that key
    │   └── ObjectForbidden            it is not given to these credentials, and the spec says to go on
    ├── ObjectChanged                  it is not the one that was asked for
    └── ObjectTooLarge                 larger than the caller takes; its body was not read

    InfrastructureError                the store did not answer as it should
    ├── AccessRefusedError             it knows these credentials, this user, this name not: waiting does not help
    │   └── NotAllowedError            it knows them, and does not allow them this
    └── TransientError                 and trying again may help
        └── BucketMissing              once: whoever says so twice means it

None of them carries a key.
"""

from schemas.errors import InfrastructureError, UsageError


class ObjectError(Exception):
    """The store answered, and the object is not what was asked for. The caller decides what that means."""

    def __str__(self) -> str:
        return Exception.__str__(self)


class ObjectMissing(ObjectError, KeyError):
    """No object has that key."""

    def __init__(self, message: str = "no such object") -> None:
        super().__init__(message)

    __str__ = ObjectError.__str__


class ObjectForbidden(ObjectMissing):
    """The object is not given to these credentials. To them it is as good as not there."""

    def __init__(self, message: str = "these credentials may not read the object") -> None:
        super().__init__(message)


class ObjectChanged(ObjectError):
    """The object has another etag than the one that was asked for."""

    def __init__(self, message: str = "the object is another one by now") -> None:
        super().__init__(message)


class ObjectTooLarge(ObjectError):
    """The object, or the part asked for, has more bytes than allowed."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(size, limit)
        self.size = size
        self.limit = limit

    def __str__(self) -> str:
        return f"{self.size} bytes are more than the {self.limit} allowed"


class AccessRefusedError(InfrastructureError):
    """Nothing that waiting would mend: wrong credentials, no permission, a read-only disk.

    A command that ends with it needs somebody to correct something first. In the middle of a run it counts as an
    outage like others, since rights can come back.
    """

    exit_code = 2


class NotAllowedError(AccessRefusedError):
    """The credentials are known, and what they asked for is not allowed to them. It may be about one object alone.

    `without_reason`: the store did not say that it knows them.
    """

    def __init__(self, message: str, without_reason: bool = False) -> None:
        super().__init__(message)
        self.without_reason = without_reason


class TransientError(InfrastructureError):
    """One attempt failed in a way that another may not. Of a write it is then unknown whether it took effect."""


class BucketMissing(UsageError, TransientError):
    """There is no such bucket. Asked twice: of a bucket in use one answer that says so is no news of it."""
