"""A kind of job: the sha256 of every object under a prefix."""

from __future__ import annotations

from jobs.kind import JobKind
from workers.lookup import Names

ROOM = {"fixity": "toy_plugin.hashing"}

KIND = JobKind(rooms=lambda: Names("input", ROOM), key=None, rows_dir="rows", has_models=False)
