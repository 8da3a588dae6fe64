"""`job: train`: fit a network to records whose truth is known, and leave a model directory."""

from jobs.kind import JobKind
from workers import registry

KIND = JobKind(rooms=registry.trainings, key="collection", rows_dir="package", has_models=False, fits=True)
