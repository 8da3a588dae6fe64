"""Where the objects lie that every conversion has.

| key | what |
|---|---|
| `stages/read/<kind>/000000-0000-<hash>.parquet` | what stage `read` leaves of a part of a chunk: `outcomes` and more |
| `account/shard-000000.parquet` | one row per record of the input |
"""

READ = "read"
ACCOUNT = "account"


def part_key(kind: str, shard: int, part: int, sha256: str) -> str:
    """One part of a chunk, named by what it holds: the input may change between two attempts at a chunk.

    Rows name the parts of their own attempt; those of an earlier one are left over.
    """
    return f"stages/{READ}/{kind}/{shard:06d}-{part:04d}-{sha256[:16]}.parquet"
