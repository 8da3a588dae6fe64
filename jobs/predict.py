"""`job: predict`: score every record of a collection, stage by stage."""

from jobs.kind import JobKind
from workers import registry

KIND = JobKind(rooms=registry.collections, key="collection", rows_dir="predictions", has_models=True)
