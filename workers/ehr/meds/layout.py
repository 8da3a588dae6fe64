"""Where the objects of a conversion lie in its run directory.

| key | what |
|---|---|
| `stages/read/events/000000-0000-<hash>.parquet` | events of one part of one chunk, by hash slot of their subject |
| `stages/read/outcomes/000000-0000-<hash>.parquet` | what became of each record of that part |
| `subjects/000000.parquet` | `subject_id` and the source's own id, where that is text |
| `meds/data/000000.parquet` | the dataset: `meds/` is what a collection of events reads |
| `meds/metadata/dataset.json`, `codes.parquet` | what is said of the dataset as a whole |
| `account/shard-000000.parquet` | one row per record of the input |
"""

from __future__ import annotations

from typing import Literal

READ = "read"
SUBJECTS = "subjects"
SORT = "sort"
METADATA = "metadata"
ACCOUNT = "account"

NO_PART = ""
"""Where the outcome of a record lies that stands for a broken promise of the source."""

DATASET = "meds"
DATASET_JSON = f"{DATASET}/metadata/dataset.json"
CODES = f"{DATASET}/metadata/codes.parquet"


def part_key(kind: Literal["events", "outcomes"], shard: int, part: int, sha256: str) -> str:
    """One part of a chunk, named by what it holds: the input may change between two attempts at a chunk.

    Rows name the parts of their own attempt; those of an earlier one are left over.
    """
    return f"stages/{READ}/{kind}/{shard:06d}-{part:04d}-{sha256[:16]}.parquet"


def subjects_key(shard: int) -> str:
    """The table that leads from a subject of the dataset back to the source's id."""
    return f"subjects/{shard:06d}.parquet"


def data_key(shard: int) -> str:
    """One file of the dataset."""
    return f"{DATASET}/data/{shard:06d}.parquet"
