"""Ray Data as its guide to batch inference has it: a pool of actors, one a core, that tokenise and embed 32 notes.

Usage: notes_raydata.py NOTES MODEL OUT
Prints one JSON object: `notes_s`, the notes of each actor over the time from its first batch's start to its last
batch's end, all actors together. The start of Ray and of the actors, reading and writing are not in it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import ray

WORKERS = 2
CPUS_PER_WORKER = 0.5
BATCH = 32


class Embedder:
    """One actor with tokenizer and model, and one thread."""

    def __init__(self, model: str) -> None:
        import torch
        from transformers import AutoModel, AutoTokenizer

        torch.set_num_threads(1)
        self.tokenizer = AutoTokenizer.from_pretrained(model)
        self.model = AutoModel.from_pretrained(model).eval()

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Texts to vectors, by sentence-transformers' formula."""
        import torch

        began = time.time()
        texts = list(batch["text"])
        inputs = self.tokenizer(texts, padding=True, truncation=True, max_length=512, return_tensors="pt")
        with torch.inference_mode():
            states = self.model(**inputs).last_hidden_state
            mask = inputs["attention_mask"][..., None].to(states.dtype)
            pooled = (states * mask).sum(1) / mask.sum(1)
            vectors = torch.nn.functional.normalize(pooled).numpy()
        told = {"actor": os.getpid(), "began": began, "ended": time.time()}
        columns = {name: [value] * len(texts) for name, value in told.items()}
        return {"note_id": batch["note_id"], "embedding": list(vectors), **columns}


def main(notes: str, model: str, out: str) -> None:
    """Embed every note."""
    ray.init(address="local", num_cpus=WORKERS, log_to_driver=False, include_dashboard=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    pool = ray.data.ActorPoolStrategy(size=WORKERS)
    dataset = ray.data.read_parquet(notes).map_batches(
        Embedder, fn_constructor_args=(model,), batch_size=BATCH, compute=pool, num_cpus=CPUS_PER_WORKER
    )
    dataset.write_parquet(out)
    files = [pq.read_table(path, columns=["actor", "began", "ended"]) for path in Path(out).rglob("*.parquet")]
    actors = (
        pa.concat_tables(files).group_by("actor").aggregate([("began", "min"), ("ended", "max"), ([], "count_all")])
    )
    rates = [row["count_all"] / (row["ended_max"] - row["began_min"]) for row in actors.to_pylist()]
    print(json.dumps({"notes_s": sum(rates)}))


if __name__ == "__main__":
    main(*sys.argv[1:4])
