"""The VCF that a run scored, with the scores in INFO: bgzip with a tabix index, for bcftools, GATK and VEP.

Every record of the source, VCF or BCF, is there, in its order and otherwise unchanged. A key is `WR_` and the column's
name, one value an ALT allele (`Number=A`), `.` where a record has no score; `WR_status` says why. What a splice model
says of genes stands under `SpliceAI`, as the package of that name has it (`SpliceAI_<model>` where there are several).
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
from pydantic import Field, field_validator

from cluster.storage import Store, open_store, split
from jobs.export.contract import Export, ExportPlan, Written
from jobs.export.target import Target
from schemas.errors import UsageError
from schemas.loading import nearest
from schemas.rows import OutputColumn
from schemas.status import Status
from schemas.wording import counted
from workers.finished_runs.plan import PlanReader
from workers.finished_runs.run import FinishedRun
from workers.lookup import import_ours

PREFIX = "WR_"
_TYPES = {
    "float32": "Float", "float64": "Float", "int8": "Integer", "int16": "Integer", "int32": "Integer",
}  # fmt: skip
"""Integers of VCF have 32 bits."""

_SPLICE = "workers.genomics.sequences.splicing.info"

_INDEXES = (".tbi", ".csi")


class VcfExport(Export):
    """`<name>.vcf.gz` and its index. `columns`: all that INFO can have, if none are named."""

    format = "vcf"
    title = "the VCF that was scored, with the scores in INFO"

    columns: tuple[str, ...] = Field(
        (),
        description="columns of the rows that go into INFO, with commas (default: all numbers, entries of genes)",
    )

    @field_validator("columns", mode="before")
    @classmethod
    def _with_commas(cls, given: object) -> object:
        return [name.strip() for name in given.split(",") if name.strip()] if isinstance(given, str) else given

    def plan(self, source: FinishedRun) -> ExportPlan:
        """The annotated VCF to write. Raises UsageError for a run that scored no VCF as well."""
        # Needs pysam: the error for want of it names the extra.
        writer = import_ours("workers.genomics.sequences.annotating")
        chosen = _info_columns(score_columns(source, self.columns), writer)
        _, key = split(_source_uri(source))
        name = key.removesuffix(".gz").removesuffix(".bgz").removesuffix(".vcf").removesuffix(".bcf") + ".vcf.gz"
        return ExportPlan(
            {"columns": [column.name for column in chosen]},
            [name, *(name + ending for ending in _INDEXES)],
            _Annotating(source, chosen, writer, _source_uri(source), name).write,
        )


@dataclass(frozen=True)
class _Annotating:
    """The VCF at `uri` becomes the file `name`."""

    source: FinishedRun
    columns: Sequence["_InfoColumn"]
    writer: ModuleType
    uri: str
    name: str

    def write(self, target: Target) -> Written:
        """Through this disk: an index is made of a whole file."""
        run = self.source.run
        folder, key = split(self.uri)
        vcf = open_store(folder, target.storage)
        fields = [column.field for column in self.columns]
        fields.append(
            self.writer.InfoField(PREFIX + "status", "String", "what became of the allele; ok: it was scored")
        )
        said = [f"wardround=<run={run.run_id},fingerprint={run.fingerprint}>"]
        with tempfile.TemporaryDirectory(prefix="wardround-vcf-") as scratch:
            path = Path(scratch) / self.name
            rows = _rows(self.source, vcf, key, self.columns)
            made = self.writer.annotate(vcf, key, rows, fields, said, path)
            for ending in ("", *_INDEXES):
                if (file := path.with_name(self.name + ending)).exists():
                    target.write_file(file.name, file)
        names = [column.name for column in self.columns]
        figures = {"columns": names, "records": made.records, "left_out": made.left_out, "index": made.is_sorted}
        info = ", ".join(field.key for field in fields)
        return Written(figures, [("INFO", info), ("records", f"{made.records:,}")], tuple(_notes(made)))


def _notes(made: Any) -> Iterator[str]:
    if made.left_out:
        yield f"{counted(made.left_out, 'line')} of the source left out: no records of a VCF"
    if not made.is_sorted:
        yield "the source is not sorted, so that there is no index: sort the file with bcftools sort"


@dataclass(frozen=True)
class _InfoColumn:
    """A column of the rows as a field of INFO, and how a table's values become its text."""

    name: str
    field: Any
    texts: Callable[[pa.Table], list[str | None]]


def _info_columns(chosen: Sequence[OutputColumn], writer: ModuleType) -> list[_InfoColumn]:
    splice = import_ours(_SPLICE)
    several = sum(column.type == splice.GENES_TYPE for column in chosen) > 1
    found = []
    for column in chosen:
        if column.type == splice.GENES_TYPE:
            key = f"{splice.KEY}_{column.model}" if several else splice.KEY
            field = writer.InfoField(key, "String", splice.meaning(column.model), one_each=False)
            found.append(_InfoColumn(column.name, field, _of_genes(splice.texts, column.name)))
        else:
            field = writer.InfoField(PREFIX + column.name, _TYPES[column.type], column.meaning)
            found.append(_InfoColumn(column.name, field, _of_numbers(column.name)))
    return found


def _of_genes(texts: Any, name: str) -> Callable[[pa.Table], list[str | None]]:
    return lambda table: list(texts(table[name], table["alt"]))


def _of_numbers(name: str) -> Callable[[pa.Table], list[str | None]]:
    return lambda table: _texts(table[name])


def score_columns(source: FinishedRun, wanted: Sequence[str]) -> list[OutputColumn]:
    """Columns that INFO can have. Raises UsageError for one that is not among them, and where there are none."""
    types = {*_TYPES, import_ours(_SPLICE).GENES_TYPE}
    there = {column.name: column for column in source.run.columns if column.output and column.type in types}
    for name in wanted:
        if name not in there:
            raise UsageError(
                f"--columns names {name!r}, which is no column of this run for INFO{nearest(name, there) or '.'} "
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
    source: FinishedRun, vcf: Store, key: str, chosen: Sequence[_InfoColumn]
) -> Iterator[tuple[int, bool, list[str | None]]]:
    plan = PlanReader(source.store, source.run.plan.key, source.run.plan)
    head = vcf.head(key)
    etag: str | None = None if head is None else head.etag
    for shard, table in source.tables(["status", "chrom", "alt", *(column.name for column in chosen)]):
        planned = plan.shard(shard)
        if etag is None or planned["etag"][0].as_py() != etag:
            raise UsageError("the VCF that was scored is missing or was changed since: its records cannot be annotated")
        status = table["status"].cast(pa.string()).to_pylist()
        columns = [column.texts(table) for column in chosen]
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
