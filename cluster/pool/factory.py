"""Builds a worker from the dotted path of its factory, in whatever process this runs."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

from schemas.errors import UsageError
from schemas.work import Worker, WorkerFactory


def build(path: str, job: Mapping[str, Any], cpus: float, gpus: float) -> Worker:
    """The worker that `path` (`module:function`) makes of a job. Raises UsageError if there is no such function."""
    module, _, function = path.partition(":")
    factory = getattr(import_module(module), function, None) if module and function else None
    if factory is None:
        raise UsageError(f"there is no worker factory {path!r}: give it as 'module:function'")
    return cast(WorkerFactory, factory)(job, cpus, gpus)
