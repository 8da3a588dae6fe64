"""Every kind of job, by the name that a spec gives in `job:`. One line each; a module is imported when asked for."""

from __future__ import annotations

import importlib
from typing import Any

JOBS: dict[str, str] = {
    "predict": "jobs.predict:predict",
    "convert": "jobs.convert:convert",
}


def job(name: str) -> Any:
    """The function that runs a job: `(spec, open_host, watchers, announce) -> Outcome`. `schemas.spec` checks names."""
    module, _, function = JOBS[name].partition(":")
    return getattr(importlib.import_module(module), function)
