"""`job: convert`: turn other people's files into a table that a collection reads, and account for every record."""

from jobs.kind import JobKind
from workers import registry

KIND = JobKind(rooms=registry.converters, key="format", rows_dir="account", has_models=False)
