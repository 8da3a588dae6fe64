"""Where the objects of the stages lie that a conversion from FHIR has before `read`.

| key | what |
|---|---|
| `stages/scan/seen/000000-0000-<hash>.parquet` | records of one part of one chunk, by hash slot of their `Type/id` |
| `stages/versions/000000.parquet` | records of which another one counts |
"""

SCAN = "scan"
VERSIONS = "versions"


def seen_key(shard: int, part: int, sha256: str) -> str:
    """Records of one part of a chunk, named by what it holds."""
    return f"stages/{SCAN}/seen/{shard:06d}-{part:04d}-{sha256[:16]}.parquet"


def superseded_key(shard: int) -> str:
    """Records of a range of hash slots of which another one counts."""
    return f"stages/{VERSIONS}/superseded/{shard:06d}.parquet"
