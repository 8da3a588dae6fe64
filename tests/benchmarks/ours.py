"""The same work as a run of wardround: its model directory, its spec, and the figures of its own record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml
from safetensors.torch import save_file

from tests.benchmarks.network import CHANNELS, OUTPUTS, network

WORKERS = 2
SHARD_RECORDS = 250


@dataclass(frozen=True)
class RunFigures:
    """`steady_img_s`: see `steady_rate`. `busy`, `seconds`: of the manifest."""

    steady_img_s: float
    busy: float
    seconds: Mapping[str, float]


def write_model(folder: Path) -> Path:
    """The benchmark's network as a model directory, division by 255 included."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "format": "wardround-model",
        "format_version": 1,
        "network": "smallcnn",
        "settings": {
            "in_channels": 1,
            "num_outputs": OUTPUTS,
            "channels": list(CHANNELS),
            "strides": [2] * len(CHANNELS),
        },
        "head": {"activation": "sigmoid", "labels": [f"{output:02d}" for output in range(OUTPUTS)]},
        "prepare": [{"standardise": {"std": [255.0]}}],
    }
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    save_file(network().state_dict(), folder / "model.safetensors")
    return folder


def write_spec(path: Path, images: Path, model: Path, out: Path, compute: Mapping[str, Any] | None = None) -> Path:
    """A spec over the Parquet files; `compute` adds to two workers of one core each."""
    spec = {
        "job": "predict",
        "name": "bench-images",
        "input": {
            "collection": "images",
            "uri": str(images),
            "format": "png",
            "bytes_column": "png",
            "record_id": "id",
        },
        "models": {"cnn": {"uri": str(model)}},
        "output": {"uri": str(out)},
        "compute": {"workers": WORKERS, "cpus_per_worker": 1, "shard_records": SHARD_RECORDS, **(compute or {})},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(spec, sort_keys=False))
    return path


def figures(run: Path) -> RunFigures:
    """What a finished run says of itself."""
    manifest = json.loads((run / "manifest.json").read_text())
    return RunFigures(steady_rate(run), float(manifest["busy"]), manifest["seconds"])


def steady_rate(run: Path) -> float:
    """Records a second once every worker is at work, from the times at which the shards were committed.

    The clock runs from the commit by which as many shards lie there as there are workers, to the last commit; only
    records committed after its start count.
    """
    shards = sorted((path.stat().st_mtime, path) for path in (run / "predictions").glob("shard-*.parquet"))
    counted = shards[WORKERS:]
    records = sum(pq.read_metadata(path).num_rows for _, path in counted)
    return records / (counted[-1][0] - shards[WORKERS - 1][0])
