"""`job: predict`: score every record of a collection, stage by stage."""

from __future__ import annotations

from jobs.kind import JobKind
from workers import registry

KIND = JobKind(rooms=registry.collections, key="collection", rows_dir="predictions", has_models=True)
