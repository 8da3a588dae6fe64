"""The same volumes as a run of wardround: its spec, where its masks lie, and the figures of its own record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import torch
import yaml

from tests.benchmarks.label_maps import WrongMask

CORES = 2
_SHARD, _MANY = 5, 10
"""Volumes of a shard where there are so many."""


def compute(volumes: int) -> dict[str, Any]:
    """Two workers of one core each; one worker with the GPU where there is one."""
    shard = {"shard_records": _SHARD if volumes >= _MANY else 1}
    if torch.cuda.is_available():
        return {"workers": 1, "gpus_per_worker": 1, "cpus_per_worker": CORES, **shard}
    return {"workers": CORES, "cpus_per_worker": 1, **shard}


def write_spec(path: Path, series: Path, models: Mapping[str, Path], out: Path, volumes: int) -> Path:
    """A spec over a folder of series. Masks alone are asked for, as the others write nothing else."""
    spec = {
        "job": "predict",
        "name": "bench-volumes",
        "input": {
            "collection": "images",
            "record": "series",
            "uri": f"{series}/",
            "segmentation": {"masks": ["nifti"], "measures": False},
        },
        "models": {name: {"uri": str(directory)} for name, directory in models.items()},
        "output": {"uri": str(out)},
        "compute": compute(volumes),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(spec, sort_keys=False))
    return path


def masks(run: Path, models: Mapping[str, Path], volumes: int) -> dict[tuple[str, str], Path]:
    """The mask of each model and series. Raises WrongMask unless every volume is there and scored."""
    rows = pl.read_parquet(run / "predictions" / "*.parquet")
    statuses = set(rows["status"].cast(pl.String))
    if rows.height != volumes or statuses != {"ok"}:
        raise WrongMask(f"{rows.height} rows of {volumes} volumes, with the statuses {sorted(statuses)}")
    named = {name: rows[f"{name}__mask_nifti"].to_list() for name in models}
    return {
        (name, series): run / mask
        for name, files in named.items()
        for series, mask in zip(rows["record_id"], files, strict=True)
    }


def figures(run: Path, volumes: int) -> dict[str, float]:
    """`forward_share`: seconds in the networks' forward passes, of the workers' seconds from the start of the stage
    that scores (`started` of the manifest) to its last commit. `busy`: of the manifest."""
    manifest = json.loads((run / "manifest.json").read_text())
    began = datetime.fromisoformat(manifest["started"]).timestamp()
    ended = max(path.stat().st_mtime for path in (run / "predictions").glob("shard-*.parquet"))
    given = compute(volumes)["workers"] * (ended - began)
    return {"forward_share": manifest["seconds"]["forward"] / given, "busy": float(manifest["busy"] or 0)}
