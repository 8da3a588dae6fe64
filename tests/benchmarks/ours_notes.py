"""The notes as a run of wardround: its spec, what it computed beside the notes, and its pace."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import yaml

from tests.benchmarks.notes import LONGEST, model_folder
from tests.benchmarks.ours import steady_rate
from workers.contract import Placement
from workers.text_models import embedding
from workers.text_models.token_windows import Windows

WORKERS = 2
SHARD_RECORDS = 40

STEPS = [{"windows": {"window": LONGEST}}]


def write_spec(path: Path, notes: Path, out: Path) -> Path:
    """A spec over the Parquet file, for two workers of one core each."""
    spec = {
        "job": "predict",
        "name": "bench-notes",
        "input": {"collection": "notes", "uri": str(notes)},
        "models": {"minilm": {"uri": str(model_folder())}},
        "prepare": STEPS,
        "output": {"uri": str(out)},
        "compute": {"workers": WORKERS, "cpus_per_worker": 1, "shard_records": SHARD_RECORDS},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(spec, sort_keys=False))
    return path


def notes_a_second(run: Path) -> float:
    """Notes a second once all workers are at work (`tests.benchmarks.ours.steady_rate`)."""
    return steady_rate(run)


def padding_share(notes: Path) -> float:
    """Share of the tokens that the worker's own scorer sends through the network for nothing, over one shard."""
    texts = pq.read_table(notes)["text"].to_pylist()[:SHARD_RECORDS]
    card = embedding.FORMAT.with_steps(embedding.FORMAT.describe(model_folder()), [Windows(window=LONGEST)])
    values = [note.value for note in embedding.FORMAT.open_encoder(model_folder(), card, 1).encode(texts)]
    scorer = embedding.FORMAT.load(model_folder(), card, Placement("cpu", 1))
    scorer.score(values)
    real = sum(len(window) for note in values for window in note.windows)
    return 1 - real / scorer.network.ladder.spent
