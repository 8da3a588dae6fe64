"""Specs of the scale benchmark, and a stage opened from one as `wardround run` opens it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from cluster.storage import StorageSettings, open_store
from jobs.rundir import StageDirectory
from jobs.running import prepare_job
from jobs.settings import storage_settings
from schemas.spec import load_spec

Input = Mapping[str, Any]


def write_spec(path: Path, source: Input, model: Path, out: Path, compute: Input, endpoint_url: str = "") -> Path:
    """A spec over images with the benchmark's model."""
    spec = {
        "job": "predict",
        "name": "bench-scale",
        "input": {"collection": "images", **source},
        "models": {"cnn": {"uri": str(model)}},
        "output": {"uri": str(out)},
        "compute": dict(compute),
        "storage": {"endpoint_url": endpoint_url} if endpoint_url else {},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(spec, sort_keys=False))
    return path


def open_first(path: Path) -> StageDirectory:
    """Plan the run of a spec, or find the plan that lies there."""
    spec = load_spec(path)
    storage: StorageSettings = storage_settings(spec)
    stage = prepare_job(spec, storage).open_next(open_store(spec.output.uri, storage), [])
    assert stage is not None
    return stage
