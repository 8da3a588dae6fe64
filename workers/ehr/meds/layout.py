"""Where the objects of a conversion lie in its run directory, beside those of `workers.conversion.layout`.

| key | what |
|---|---|
| `stages/scan/seen/000000-0000-<hash>.parquet` | records of one part of one chunk, by hash slot of what names them |
| `stages/versions/superseded/000000.parquet` | records of which another one counts |
| `stages/read/events/000000-0000-<hash>.parquet` | events of one part of one chunk, by hash slot of their subject |
| `subjects/000000.parquet` | `subject_id` and the source's own id, where that is text |
| `meds/data/000000.parquet` | the dataset: `meds/` is what a collection of events reads |
| `meds/metadata/dataset.json`, `codes.parquet` | what is said of the dataset as a whole |
"""

SCAN = "scan"
VERSIONS = "versions"
"""Stages before `read`, where a record may come twice."""
SUBJECTS = "subjects"
SORT = "sort"
METADATA = "metadata"

NO_PART = ""
"""Where the outcome of a record lies that stands for a broken promise of the source."""

DATASET = "meds"
DATASET_JSON = f"{DATASET}/metadata/dataset.json"
CODES = f"{DATASET}/metadata/codes.parquet"


def seen_key(shard: int, part: int, sha256: str) -> str:
    """Records of one part of a chunk, named by what it holds."""
    return f"stages/{SCAN}/seen/{shard:06d}-{part:04d}-{sha256[:16]}.parquet"


def superseded_key(shard: int) -> str:
    """Records of a range of hash slots of which another one counts."""
    return f"stages/{VERSIONS}/superseded/{shard:06d}.parquet"


def subjects_key(shard: int) -> str:
    """The table that leads from a subject of the dataset back to the source's id."""
    return f"subjects/{shard:06d}.parquet"


def data_key(shard: int) -> str:
    """One file of the dataset."""
    return f"{DATASET}/data/{shard:06d}.parquet"
