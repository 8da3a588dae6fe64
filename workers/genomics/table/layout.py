"""The genotype table: where its objects lie and what their columns are.

| key under the table | what |
|---|---|
| `variants.parquet` | every variant with its counts over the whole cohort, by chromosome and position |
| `samples.parquet` | every sample in the order of the source |
| `parts.parquet` | which parts the table has, and which variants are in them |
| `genotypes/chrom=<c>/sample_block=<b>/<part>.parquet` | calls of some neighbouring variants in one block of samples |
| `dataset.json` | what is said of the table as a whole |

A part has the same variants in the same row groups in every block of samples. Its variants are numbered without a gap,
so that a number leads to its row group by arithmetic.
"""

from typing import Any

import polars as pl
import pyarrow as pa

from workers.genomics.contract import COUNT_SCHEMA, SAMPLE_SCHEMA, VARIANT_SCHEMA

TABLE = "table/"
"""Where the table lies in a run directory."""
VARIANTS = "variants.parquet"
SAMPLES = "samples.parquet"
PARTS = "parts.parquet"
DATASET = "dataset.json"
VERSION = 2

BLOCK = 16_384
"""Samples of a block."""
STRIDE = 1 << 32
"""Where a source does not number its variants, the first one of chunk `n` is `n * STRIDE`."""
DOSAGE_ONE = 16_384
"""One copy of ALT as it is stored: the precision of PGEN (specification 1.0, section 2.4)."""
DOSAGE_MISSING = 65_535

VARIANT_STAGE = "variants"

CHROMOSOMES = (*map(str, range(1, 23)), "X", "Y", "XY", "MT")
OTHER = "other"
"""The folder of all other contigs together: there may be thousands, of a few variants each."""

_GROUP_BYTES = 4 << 20
_GROUPS = 4
_FEWEST, _MOST = 128, 16_384

VARIANT_COLUMNS: dict[str, Any] = {
    **VARIANT_SCHEMA,
    "end": pl.Int32,
    "n_alleles": pl.Int32,
    "alt_freq": pl.Float64,
    "call_rate": pl.Float64,
    "hwe_p": pl.Float64,
    **{name: kind for name, kind in COUNT_SCHEMA.items() if name != "variant_idx"},
    "duplicate": pl.Boolean,
    "file": pl.Int32,
    "record": pl.Int64,
}
"""`end` is the last position of a reference block, null elsewhere. `n_alleles` are those of the source's record, REF
counted. `duplicate`: another row has the same chromosome, position and alleles. `file` and `record` lead to the
account: the file by its place in the input, and the record in it."""

SAMPLE_COLUMNS: dict[str, Any] = {**SAMPLE_SCHEMA, "block": pl.Int32}

PART_COLUMNS: dict[str, Any] = {
    "chrom": pl.String,
    "part": pl.String,
    "first": pl.Int64,
    "rows": pl.Int64,
    "group_rows": pl.Int64,
}
"""`chrom` is the folder. `first` is the `variant_idx` of the first row, `group_rows` what a row group has, but for the
last."""

OUTCOMES: dict[str, Any] = {
    "status": pl.String,
    "outcome": pl.String,
    "reason": pl.String,
    "chrom": pl.String,
    "pos": pl.Int32,
    "n_variants": pl.Int32,
    "n_undosed": pl.Int64,
    "n_filtered": pl.Int64,
}
"""What became of each record of the source, in its order. The last two are null where dosages or filters are not asked
for."""

CONVERTED = "converted"
SPLIT = "split"
SKIPPED = "skipped"
UNREADABLE = "unreadable"


def folder_of(chrom: str) -> str:
    """The folder of a chromosome."""
    return chrom if chrom in CHROMOSOMES else OTHER


def part_name(shard: int, part: int) -> str:
    """A part of what one chunk gave."""
    return f"part-{shard:06d}-{part:04d}.parquet"


def genotypes_key(folder: str, block: int, part: str) -> str:
    """Calls of one part and one block of samples, relative to the table."""
    return f"genotypes/chrom={folder}/sample_block={block:04d}/{part}"


def blocks_of(samples: int) -> int:
    """How many blocks these samples lie in."""
    return -(-samples // BLOCK)


def rows_of_group(samples: int, dosages: bool) -> int:
    """Variants of a row group: about 4 MiB of calls of a block before compression."""
    wide = max(1, min(samples, BLOCK))
    return max(_FEWEST, min(_MOST, _GROUP_BYTES // (-(-wide // 4) + (2 * wide if dosages else 0))))


def rows_of_part(samples: int, dosages: bool) -> int:
    """Variants of a part."""
    return _GROUPS * rows_of_group(samples, dosages)


def genotype_schema(samples: int) -> pa.Schema:
    """Columns of the parts of a block of so many samples.

    `packed`, `haploid` and `dosage` are the bytes of `workers.genomics.contract`; `dosage` are little-endian uint16,
    `DOSAGE_ONE` a copy. Null where no call is haploid, and where the record has calls only.
    """
    return pa.schema(
        [
            pa.field("variant_idx", pa.int64(), nullable=False),
            pa.field("packed", pa.binary(-(-samples // 4)), nullable=False),
            pa.field("n_missing", pa.int32(), nullable=False),
            pa.field("alt_count", pa.float64(), nullable=False),
            pa.field("haploid", pa.binary(-(-samples // 8))),
            pa.field("dosage", pa.binary(2 * samples)),
        ]
    )
