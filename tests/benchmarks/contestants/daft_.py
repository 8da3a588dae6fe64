"""Daft on its native runner: one class, two instances, each decoding and scoring batches of 16, channels last.

Usage: daft_.py IMAGES OUT
"""

from __future__ import annotations

import sys
from typing import Any

import daft
from daft import DataType, Series, col

from tests.benchmarks.network import OUTPUTS, decode_batch, network, score

WORKERS = 2
BATCH = 16


@daft.cls(max_concurrency=WORKERS)
class Predictor:
    """One instance with the network."""

    def __init__(self) -> None:
        import torch

        torch.set_num_threads(1)
        self.model = network().to(memory_format=torch.channels_last)

    @daft.method.batch(return_dtype=DataType.fixed_size_list(DataType.float32(), OUTPUTS), batch_size=BATCH)
    def __call__(self, png: Series) -> list[Any]:
        """PNG to scores."""
        return list(score(self.model, decode_batch(png.to_pylist()), channels_last=True))


def main(images: str, out: str) -> None:
    """Score every image."""
    predictor = Predictor()
    frame = daft.read_parquet(f"{images}/*.parquet")
    frame.select(col("id"), predictor(col("png")).alias("p")).write_parquet(out)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
