"""Where the objects of a conversion lie in its run directory.

stages/read/events/000000-0000.parquet     events of one part of one chunk, by place of their subject
stages/read/outcomes/000000-0000.parquet   what became of each record of that part
stages/sort/...                            rows only: what each file of the dataset holds
subjects/000000.parquet                    subject_id and the source's own id, where that is text
meds/data/000000.parquet                   the dataset: `meds/` is what a collection of events reads
meds/metadata/dataset.json, codes.parquet
account/shard-000000.parquet               one row per record of the input
"""

from __future__ import annotations

READ = "read"
SUBJECTS = "subjects"
SORT = "sort"
METADATA = "metadata"
ACCOUNT = "account"

NO_PART = ""
"""Instead of an outcome's object: the record is not in the input, though its source promised it, or the reverse."""

DATASET = "meds"
DATASET_JSON = f"{DATASET}/metadata/dataset.json"
CODES = f"{DATASET}/metadata/codes.parquet"


def events_key(shard: int, part: int) -> str:
    """Events of one part of a chunk."""
    return f"stages/{READ}/events/{shard:06d}-{part:04d}.parquet"


def outcomes_key(shard: int, part: int) -> str:
    """What became of the records of that part."""
    return f"stages/{READ}/outcomes/{shard:06d}-{part:04d}.parquet"


def subjects_key(shard: int) -> str:
    """The table that leads from a subject of the dataset back to the source's id."""
    return f"subjects/{shard:06d}.parquet"


def data_key(shard: int) -> str:
    """One file of the dataset."""
    return f"{DATASET}/data/{shard:06d}.parquet"
