"""A fence around third-party parsers: what they raise on hostile bytes becomes a status of the record."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from schemas.errors import RecordError
from schemas.extras import missing_extra
from schemas.status import Status

_RUST = "pyo3_runtime"


@contextmanager
def as_record_error(detail: str, status: Status = Status.UNREADABLE) -> Iterator[None]:
    """Turn any error of a parser into RecordError(status, detail). Put as little as possible of our own inside.

    A package of ours that is not installed stays MissingExtraError. The cause is dropped: messages of parsers quote
    what they read, which is record content.
    """
    try:
        yield
    except RecordError:
        raise
    except RecursionError:
        raise RecordError(Status.UNREADABLE, "its sequences are nested too deeply") from None
    except MemoryError:
        raise RecordError(Status.TOO_LARGE, "the decoder ran out of memory") from None
    except ModuleNotFoundError as error:
        # A decoder that this machine lacks is no fault of the record; what a parser tries to import by the way is not.
        found = missing_extra(error)
        raise found if found is not None and found.extra else RecordError(status, detail) from None
    except Exception:  # noqa: BLE001
        # No list of types holds: fuzzing found struct, zlib, zip, tokenizer and library errors in one parser alone,
        # and one type left out would let one record end a run.
        raise RecordError(status, detail) from None
    except BaseException as error:
        # A panic of a library in Rust (pylibjpeg-rle has them on damaged frames) is no Exception, and ends the process.
        if type(error).__module__ != _RUST:
            raise
        raise RecordError(status, detail) from None


def silence(*packages: str) -> None:
    """Keep the log records and warnings of these packages off stderr: they quote header values."""
    for package in packages:
        logger = logging.getLogger(package)
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
        warnings.filterwarnings("ignore", module=rf"{package}(\.|$)")
