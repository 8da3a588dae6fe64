"""Lack of memory under one name. Imports no torch: models of other libraries are run by what reads this too."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def memory_error() -> Iterator[None]:
    """Turn what torch raises when memory is short into MemoryError."""
    try:
        yield
    except RuntimeError as error:
        # torch.OutOfMemoryError by its name, as torch may not be loaded in this process.
        if type(error).__name__ == "OutOfMemoryError":
            raise MemoryError("the device ran out of memory") from error
        if "can't allocate memory" not in str(error):
            raise
        raise MemoryError("the process ran out of memory") from error
