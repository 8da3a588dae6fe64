"""What is written into the temporary folder of a node, and what it means that it is full."""

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from schemas.errors import InfrastructureError


@contextmanager
def room_for(what: str) -> Iterator[None]:
    """Raise InfrastructureError, with the remedy, where `what` does not fit there."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise InfrastructureError(
            f"{what} not fit into the temporary folder {tempfile.gettempdir()!r}: free space there or set TMPDIR"
        ) from None
