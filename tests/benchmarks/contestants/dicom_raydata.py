"""Ray Data with pydicom: binary files, a map that reads each with `pixel_array`, an actor pool to score, batches of 64.

Usage: dicom_raydata.py OBJECTS OUT
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import ray
from pydicom import dcmread
from pydicom.pixels import apply_modality_lut

from tests.benchmarks.dicom_network import prepared, scored
from tests.benchmarks.network import network

WORKERS = 2
CPUS_PER_WORKER = 0.5
BATCH = 64


def decoded(row: dict[str, Any]) -> dict[str, Any]:
    """A file to pixels."""
    read = dcmread(BytesIO(row["bytes"]))
    pixels = apply_modality_lut(read.pixel_array, read)
    if pixels.dtype.kind == "f":
        # Slope and intercept are whole numbers.
        pixels = pixels.astype(np.int16)
    return {"id": Path(row["path"]).stem, "x": prepared(pixels)[None]}


class Predictor:
    """One actor with the network."""

    def __init__(self) -> None:
        import torch

        torch.set_num_threads(1)
        self.model = network()

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Pixels to scores."""
        return {"id": batch["id"], "p": scored(self.model, batch["x"])}


def main(objects: str, out: str) -> None:
    """Score every object."""
    ray.init(address="local", num_cpus=WORKERS, log_to_driver=False, include_dashboard=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    pool = ray.data.ActorPoolStrategy(size=WORKERS)
    dataset = ray.data.read_binary_files(objects, include_paths=True).map(decoded)
    dataset.map_batches(Predictor, batch_size=BATCH, compute=pool, num_cpus=CPUS_PER_WORKER).write_parquet(out)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
