"""transformers' own pipeline("feature-extraction"), batches of 32, all cores for torch; then the mean by hand.

The pipeline gives each note's states padded like its batch, and no mask: tokens are counted before the clock starts.

Usage: notes_pipeline.py NOTES MODEL OUT
Prints one JSON object: `notes_s`, from the first note given to the pipeline to the last vector.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from transformers import AutoModel, AutoTokenizer, pipeline

BATCH = 32


def main(notes: str, model: str, out: str) -> None:
    """Embed every note."""
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    table = pq.read_table(notes)
    texts = table["text"].to_pylist()
    tokenizer = AutoTokenizer.from_pretrained(model, model_max_length=512)
    network = AutoModel.from_pretrained(model)
    reader = pipeline("feature-extraction", model=network, tokenizer=tokenizer, device="cpu")
    lengths = [len(ids) for ids in tokenizer(texts, truncation=True)["input_ids"]]
    reader(texts[:1], return_tensors=True)
    began = time.perf_counter()
    vectors = []
    options = {"batch_size": BATCH, "return_tensors": True, "truncation": True}
    for states, length in zip(reader(texts, **options), lengths, strict=True):
        pooled = states.reshape(-1, states.shape[-1])[:length].mean(0)
        vectors.append(torch.nn.functional.normalize(pooled, dim=0).numpy())
    work = time.perf_counter() - began
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"note_id": table["note_id"], "embedding": vectors}), folder / "part.parquet")
    print(json.dumps({"notes_s": len(texts) / work}))


if __name__ == "__main__":
    main(*sys.argv[1:4])
