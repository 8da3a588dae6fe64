"""`job: evaluate`: hold the rows of a finished run against what was true."""

from jobs.kind import JobKind
from workers import registry

KIND = JobKind(rooms=registry.evaluations, key=None, rows_dir="figures", has_models=False)
