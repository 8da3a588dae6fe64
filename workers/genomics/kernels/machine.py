"""Functions compiled to machine code by numba, kept from process to process where that can be."""

from collections.abc import Callable
from typing import Any

import numba as nb


def compiled(function: Callable[..., Any]) -> Any:
    """`function` in machine code, made when it is first called; it lets go of the interpreter lock.

    What was made is kept beside the source, like Python's own compiled files, or in the user's cache; where neither
    can be written, as in a read-only installation without a home, every process makes it anew.
    """
    try:
        return nb.njit(nogil=True, cache=True)(function)
    except RuntimeError:
        return nb.njit(nogil=True)(function)
