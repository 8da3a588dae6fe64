"""The VCF that a run scored, with the scores in INFO: bgzip with a tabix index, for bcftools, GATK and VEP.

Every record of the source is there, in its order and otherwise unchanged. A key is `WR_` and the column's name, one
value an ALT allele (`Number=A`), `.` where a record has no score; `WR_status` says why.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from cluster.storage import StorageSettings, Store, open_store, split
from jobs.export.target import open_target
from schemas.errors import UsageError
from schemas.loading import nearest
from schemas.rows import OutputColumn
from schemas.status import Status
from workers.planfile import PlanReader
from workers.registry import resolve
from workers.runs.run import FinishedRun, finished_run

FORMAT = "vcf"
PREFIX = "WR_"
_TYPES = {
    "float32": "Float", "float64": "Float", "int8": "Integer", "int16": "Integer", "int32": "Integer",
}  # fmt: skip
"""Integers of VCF have 32 bits."""


@dataclass
class VcfExport:
    """What was written. `left_out` are lines of the source that are no records of a VCF."""

    uri: str
    columns: tuple[str, ...]
    records: int = 0
    left_out: int = 0
    has_index: bool = False
    files: int = 0
    bytes: int = 0


def export_vcf(store: Store, to: str, storage: StorageSettings, columns: Sequence[str] = ()) -> VcfExport:
    """Write `<name>.vcf.gz` and its index under `to`, then `export.json`. `columns`: all numbers, if none are named.

    Raises UsageError for a run that scored no VCF, or one that was changed since, IncompleteError for a run without a
    manifest, FingerprintError where something else lies at `to`.
    """
    # Needs pysam: the error for want of it names the extra.
    writer = resolve({FORMAT: "workers.genomics.sequences.annotating"}, FORMAT, "export", "genomics")
    source = finished_run(store)
    chosen = score_columns(source, columns)
    names = tuple(column.name for column in chosen)
    folder, key = split(_source_uri(source))
    target = open_target(to, storage, source, FORMAT, {"columns": list(names)})
    name = key.removesuffix(".gz").removesuffix(".bgz").removesuffix(".vcf") + ".vcf.gz"
    target.refuse_strangers([name, f"{name}.tbi", f"{name}.csi"])
    vcf = open_store(folder, storage)
    fields = [writer.InfoField(PREFIX + c.name, _TYPES[c.type], c.meaning) for c in chosen]
    fields.append(writer.InfoField(PREFIX + "status", "String", "what became of the allele; ok: it was scored"))
    rows = _rows(source, vcf, key, names)
    said = [f"wardround=<run={source.run.run_id},fingerprint={source.run.fingerprint}>"]
    with tempfile.TemporaryDirectory(prefix="wardround-vcf-") as scratch:
        path = Path(scratch) / name
        made = writer.annotate(vcf, key, rows, fields, said, path)
        target.write_file(name, path)
        for ending in (".tbi", ".csi"):
            if (index := path.with_name(name + ending)).exists():
                target.write_file(name + ending, index)
    target.finish({"columns": list(names), "records": made.records, "left_out": made.left_out})
    uri = target.store.uri
    return VcfExport(uri, names, made.records, made.left_out, made.is_sorted, target.files, target.size)


def score_columns(source: FinishedRun, wanted: Sequence[str]) -> list[OutputColumn]:
    """Columns that INFO can have. Raises UsageError for one that is not among them, and where there are none."""
    there = {column.name: column for column in source.run.columns if column.output and column.type in _TYPES}
    for name in wanted:
        if name not in there:
            raise UsageError(
                f"--columns names {name!r}, which is no column of numbers of this run{nearest(name, there) or '.'} "
                f"It has {', '.join(there) or 'none'}"
            )
    if not there:
        raise UsageError("the run has no column of numbers: INFO cannot have vectors of its models")
    return [there[name] for name in dict.fromkeys(wanted)] if wanted else list(there.values())


def _source_uri(source: FinishedRun) -> str:
    given = source.run.spec.input
    if given.get("collection") != "sequences" or not given.get("reference"):
        raise UsageError("the run scored no VCF: only runs over sequences with a reference can be exported to VCF")
    return str(given["uri"])


def _rows(
    source: FinishedRun, vcf: Store, key: str, names: Sequence[str]
) -> Iterator[tuple[int, bool, list[str | None]]]:
    plan = PlanReader(source.store, source.run.plan.key, source.run.plan)
    head = vcf.head(key)
    etag: str | None = None if head is None else head.etag
    for shard, table in source.tables(["status", "chrom", *names]):
        planned = plan.shard(shard)
        if etag is None or planned["etag"][0].as_py() != etag:
            raise UsageError("the VCF that was scored is gone or was changed since: its records cannot be annotated")
        status = table["status"].cast(pa.string()).to_pylist()
        columns = [_texts(table[name]) for name in names]
        # A line without a place is no record of a VCF, unless it was too long to look for one.
        is_record = [
            placed or what != Status.UNREADABLE
            for placed, what in zip(table["chrom"].is_valid().to_pylist(), status, strict=True)
        ]
        values = map(list, zip(*columns, status, strict=True))
        yield from zip(planned["member"].to_pylist(), is_record, values, strict=True)


def _texts(column: pa.ChunkedArray) -> list[str | None]:
    """Shortest text that reads back as the same number."""
    values = column.to_numpy()
    valid = column.is_valid().to_pylist()
    if column.null_count and pa.types.is_integer(column.type):
        return [str(value) if ok else None for value, ok in zip(column.to_pylist(), valid, strict=True)]
    return [str(value) if ok else None for value, ok in zip(values, valid, strict=True)]
