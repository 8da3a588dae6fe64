"""What the errors of a file system mean for a run: local disks, and mounts that fail in the middle."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from cluster.storage.errors import AccessRefusedError, NotAllowedError, ObjectMissing, TransientError
from schemas.errors import InfrastructureError

ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP})
"""Numbers of errors that say: no such file."""
_REMEDIES = {
    errno.ENOSPC: "free space on that disk",
    errno.EDQUOT: "raise the quota or free space",
    errno.EACCES: "grant this user access to the directory",
    errno.EPERM: "grant this user access to the directory",
    errno.EROFS: "the disk is read-only: choose another directory",
}
_REFUSED = {errno.EACCES: NotAllowedError, errno.EPERM: NotAllowedError, errno.EROFS: AccessRefusedError}


@contextmanager
def disk(root: str, writing: bool = False) -> Iterator[None]:
    """OSErrors as InfrastructureError, or ObjectMissing when reading. The path is left out: it holds the key.

    TransientError where trying again may help: all but a full disk and a lack of rights.
    """
    try:
        yield
    except OSError as error:
        if error.errno in ABSENT and not writing:
            raise ObjectMissing from None
        # An OSError that a library made itself may have no number.
        code = errno.errorcode.get(error.errno or 0, "EIO")
        remedy = _REMEDIES.get(error.errno or 0)
        kind = TransientError if remedy is None else InfrastructureError
        raise _REFUSED.get(error.errno or 0, kind)(
            f"directory {root!r}: {code}: {remedy or 'check the disk or mount'}, then run the same command again"
        ) from None
