"""Carry an error of ours out of a child: its class by name, its arguments as JSON, never a pickle."""

import json

from schemas import errors
from schemas.errors import WardroundError


def pack(error: WardroundError) -> bytes:
    """What `unpack` makes the same error of."""
    # The arguments of the constructor, which for some classes are not `args`.
    arguments = error.__reduce__()[1]
    return json.dumps([type(error).__name__, arguments]).encode()


def unpack(packed: bytes) -> WardroundError:
    """The error; a plain WardroundError where its class is not one of `schemas.errors`."""
    name, arguments = json.loads(packed)
    kind = getattr(errors, name, None)
    if isinstance(kind, type) and issubclass(kind, WardroundError):
        return kind(*arguments)
    return WardroundError(*arguments)
