"""Stage `variants`: what all chunks found becomes the list of variants, of samples and of parts."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib import metadata
from types import MappingProxyType
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from cluster.storage import Store
from schemas.errors import SpecError
from schemas.rows import stage_columns, table_columns
from schemas.status import Status
from workers.conversion.layout import READ
from workers.finished_runs.stage import FinishedStage, stage_at
from workers.genomics.chromosomes import FEMALE, MALE, X, Y
from workers.genomics.table.layout import (
    BLOCK,
    CHROMOSOMES,
    DATASET,
    DOSAGE_ONE,
    OTHER,
    PART_COLUMNS,
    PARTS,
    SAMPLE_COLUMNS,
    SAMPLES,
    TABLE,
    VARIANT_COLUMNS,
    VARIANT_STAGE,
    VARIANTS,
    VERSION,
)
from workers.genomics.table.read_stage import REASONS, reason_rows
from workers.genomics.table.x_sexes import TableCalls, imputed_sexes, recounted
from workers.pipeline.context import StageContext
from workers.pipeline.frames import encode_frame, read_frame, stamped
from workers.pipeline.kinds import ShardStage, ShardTable, SideObject
from workers.pipeline.rowtable import build_rows

COLUMNS = stage_columns(
    VARIANT_STAGE,
    ("n_variants", "int64", "variants of the table"),
    ("n_duplicates", "int64", "variants that the table has more than once"),
    ("n_samples", "int64", "samples of the table"),
) + table_columns(
    VARIANT_STAGE,
    ("reasons", REASONS, "Records of the source"),
    ("sexes", "list<struct<sex: string, samples: int64>>", "Samples by sex"),
)
_ROW_GROUP = 1 << 17
_READS = 16
EMPTY: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class _FoundPart:
    """A part as stage `read` tells of it. `records` is how many records of its file come before its chunk.
    `variants` where they are not as that stage counted them."""

    row: Mapping[str, Any]
    file: int
    records: int
    variants: pl.DataFrame | None = None


class VariantsStage(ShardStage):
    """Its one record is the table.

    Holds the variants of one chromosome, and `variants.parquet` so far as compressed. `asked` are settings that name a
    field of the source. `impute_sex`: by calls on X.
    """

    def __init__(
        self,
        context: StageContext,
        samples: pl.DataFrame,
        said: Mapping[str, Any],
        asked: Mapping[str, str] = EMPTY,
        impute_sex: bool = False,
    ) -> None:
        self._impute = impute_sex
        self._asked = asked
        self._context = context
        self._samples = samples
        self._said = said

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """Write the lists of variants, samples and parts that make the parts a table.

        Raises SpecError where a setting names a field that no record has."""
        fingerprint = self._context.run.fingerprint
        read = stage_at(self._context.store, READ)
        _refuse_unapplied(read, self._asked)
        parts = _found_parts(read)
        if self._impute:
            parts = self._with_sex(parts)
        body, variants, duplicates = _variants(self._context.store, parts, fingerprint)
        listed = pl.DataFrame([part.row for part in parts], schema=PART_COLUMNS).sort("first")
        samples = self._samples.with_columns(block=(pl.col("sample_idx") // BLOCK).cast(pl.Int32))
        side = [
            SideObject(TABLE + VARIANTS, body),
            SideObject(TABLE + SAMPLES, encode_frame(samples.select(*SAMPLE_COLUMNS), fingerprint)),
            SideObject(TABLE + PARTS, encode_frame(listed, fingerprint)),
            SideObject(TABLE + DATASET, self._dataset(variants)),
        ]
        values: dict[str, list[Any]] = {
            "n_variants": [variants],
            "n_duplicates": [duplicates],
            "n_samples": [samples.height],
            "reasons": [_reasons(read)],
            "sexes": [_sexes(samples)],
        }
        return ShardTable(build_rows(records, self._context.layout, values, [Status.OK]), side)

    def _with_sex(self, parts: list[_FoundPart]) -> list[_FoundPart]:
        """The same parts, counted with the sex that calls on X tell, which samples have from here on."""
        store, build = self._context.store, self._said.get("build")
        calls = TableCalls(store, self._samples.height)
        of_sex = [part for part in parts if part.row["chrom"] in (X, Y)]
        frames = [read_frame(store, part.row["variants"]) for part in of_sex]
        sex = imputed_sexes(calls, [(dict(p.row), f) for p, f in zip(of_sex, frames, strict=True)], build)
        self._samples = self._samples.with_columns(sex=pl.Series(sex, dtype=pl.Int8))
        counted = {
            part.row["variants"]: recounted(calls, dict(part.row), frame, sex, build)
            for part, frame in zip(of_sex, frames, strict=True)
        }
        return [replace(part, variants=counted.get(part.row["variants"])) for part in parts]

    def _dataset(self, variants: int) -> bytes:
        """The same text whoever writes it: `created_at` is when this stage was planned."""
        run = self._context.run
        facts = {
            "format": "wardround genotype table",
            "version": VERSION,
            "name": run.spec.name,
            **self._said,
            "samples": self._samples.height,
            "variants": variants,
            "block": BLOCK,
            "dosage_one": DOSAGE_ONE,
            "written_by": f"wardround {metadata.version('wardround')}",
            "created_at": run.created,
            "fingerprint": run.fingerprint,
        }
        return json.dumps(facts, indent=1).encode()


def _reasons(read: FinishedStage) -> list[dict[str, Any]]:
    """Records of all chunks by what became of them."""
    counts: Counter[tuple[str, str | None]] = Counter()
    for rows in read.all_rows(["reasons"])["reasons"].to_pylist():
        for row in rows:
            counts[row["outcome"], row["reason"]] += row["records"]
    return reason_rows(counts)


def _sexes(samples: pl.DataFrame) -> list[dict[str, Any]]:
    """How many samples are of which sex; nothing where nobody's is known."""
    names = {MALE: "male", FEMALE: "female", 0: "unknown"}
    counts = dict(samples["sex"].value_counts().iter_rows())
    found = [{"sex": name, "samples": counts.get(code, 0)} for code, name in names.items()]
    return found if (samples["sex"] != 0).any() else []


def _refuse_unapplied(read: FinishedStage, asked: Mapping[str, str]) -> None:
    rows = read.all_rows(["n_records", "applied"])
    applied = {name for names in rows["applied"].to_pylist() for name in names}
    nowhere = [f"input.{name} asks for {field}" for name, field in asked.items() if name not in applied]
    if nowhere and sum(rows["n_records"].to_pylist()):
        raise SpecError(f"{', '.join(nowhere)}, which no record has: correct the spec, and choose another output.uri")


def _found_parts(read: FinishedStage) -> list[_FoundPart]:
    """Every part, in the order of the input."""
    found, file, before = [], -1, 0
    for row in read.all_rows(["file", "n_records", "parts"]).to_pylist():
        if row["file"] != file:
            file, before = row["file"], 0
        found += [_FoundPart(part, file, before) for part in row["parts"]]
        before += row["n_records"]
    return found


def _variants(store: Store, parts: Sequence[_FoundPart], fingerprint: str) -> tuple[bytes, int, int]:
    """`variants.parquet`, how many variants are in it, and how many of those are there more than once."""
    sink = pa.BufferOutputStream()
    schema = stamped(pl.DataFrame(schema=VARIANT_COLUMNS), fingerprint).schema
    variants = duplicates = 0
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer, ThreadPoolExecutor(_READS) as pool:
        for folder in (*CHROMOSOMES, OTHER):
            of_folder = [part for part in parts if part.row["chrom"] == folder]
            if of_folder:
                frame = _sorted(pl.concat(pool.map(lambda part: _frame(store, part), of_folder)))
                writer.write_table(stamped(frame, fingerprint), row_group_size=_ROW_GROUP)
                variants += frame.height
                duplicates += int(frame["duplicate"].sum())
    return bytes(sink.getvalue()), variants, duplicates


def _frame(store: Store, part: _FoundPart) -> pl.DataFrame:
    frame = read_frame(store, part.row["variants"]) if part.variants is None else part.variants
    return frame.with_columns(file=pl.lit(part.file, pl.Int32), record=pl.col("record") + part.records)


def _sorted(frame: pl.DataFrame) -> pl.DataFrame:
    """Sorted by position, those of one in the order of the source. Variants that say the same are marked."""
    same = ("chrom", "pos", "ref", "alt")
    marked = frame.with_columns(duplicate=pl.len().over(same) > 1)
    return marked.sort("chrom", "pos", "variant_idx").select(*VARIANT_COLUMNS)
