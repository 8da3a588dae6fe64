"""A fence around third-party parsers: what they raise on hostile bytes becomes a status of the record."""

from __future__ import annotations

import logging
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from pydicom.errors import InvalidDicomError

from schemas.errors import RecordError
from schemas.status import Status

# Found by cutting and flipping real files: parsers of nested binary formats raise nearly every built-in error.
# MemoryError is apart, and BaseException and what is ours pass.
FOREIGN_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    EOFError,
    InvalidDicomError,
    LookupError,
    NameError,
    OSError,
    RuntimeError,
    StopIteration,
    SyntaxError,
    TypeError,
    ValueError,
    Warning,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


@contextmanager
def fenced(detail: str, status: Status = Status.UNREADABLE, also: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Turn any error of a parser into RecordError(status, detail); `also`: errors of its own.

    The cause is dropped: messages of parsers quote what they read, which is record content.
    """
    try:
        yield
    except RecordError:
        raise
    except RecursionError:
        raise RecordError(Status.UNREADABLE, "its sequences are nested too deeply") from None
    except MemoryError:
        raise RecordError(Status.TOO_LARGE, "the decoder ran out of memory") from None
    except (*FOREIGN_ERRORS, *also):
        raise RecordError(status, detail) from None


def silence(*packages: str) -> None:
    """Keep the log records and warnings of these packages off stderr: they quote header values."""
    for package in packages:
        logger = logging.getLogger(package)
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
        warnings.filterwarnings("ignore", module=rf"{package}(\.|$)")
