"""Networks of some weights: more threads than one only wait for each other."""

from __future__ import annotations

from tests.support.one_thread import one_thread

__all__ = ["one_thread"]
