"""Masks of a run over volumes, or previews of them, as plain files whose names come from the records.

`masks.csv` has a line for every record: which file is its own, with bytes and sha256, or why it has none. Every file is
held against the sha256 that the rows vouch for before it is written. With several models each has a folder.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
from pydantic import Field

from cluster.storage import ObjectMissing, Store, sha256_of
from jobs.export.contract import Export, ExportPlan, Written
from jobs.export.file_names import file_names
from jobs.export.target import Target
from schemas.errors import UsageError, VerificationError
from schemas.loading import nearest
from schemas.rows import OutputColumn
from schemas.wording import counted
from workers.finished_runs.run import FinishedRun
from workers.finished_runs.side import SideObjectRef
from workers.lookup import import_ours

TABLE = "masks.csv"
_HEADER = ("record_id", "subject_id", "model", "status", "file", "bytes", "sha256")
_AT_A_TIME = 8
_BATCH = 64

Kind = Literal["nifti", "dicom_seg", "rtstruct", "preview"]


class MasksExport(Export):
    """A file a record, and `masks.csv`."""

    format = "masks"
    title = "masks of volumes as files: NIfTI, DICOM-SEG, RTSTRUCT or pictures"

    kind: Kind = Field("nifti", description="nifti, dicom_seg, rtstruct or preview: one that the run has")
    model: str | None = Field(None, description="only those of this model, where the run has several")

    def plan(self, source: FinishedRun) -> ExportPlan:
        """The files to copy. Raises UsageError for a run that has none of this kind."""
        columns = mask_columns(source, self.kind, self.model)
        lines = _lines(source, columns)
        copied = _Copying(source, lines, self.kind)
        parts = {"kind": self.kind, "columns": [column.name for column in columns]}
        return ExportPlan(parts, [TABLE, *(line.file for line in lines if line.file)], copied.write)


def mask_columns(source: FinishedRun, kind: Kind, model: str | None) -> list[OutputColumn]:
    """The run's columns of masks of this kind. Raises UsageError, with what there is instead."""
    files: Mapping[str, Any] = import_ours("workers.images.volumes.outputs.settings").FILES
    there = {
        (known, column.model): column
        for column in source.run.columns
        for known, file in files.items()
        if (column.output, column.type) == (file.column, file.type)
    }
    if not there:
        raise UsageError("the run has no masks: only a run over volumes has, with input.segmentation: {masks: [nifti]}")
    kinds = list(dict.fromkeys(known for known, _ in there))
    if kind not in kinds:
        raise UsageError(f"the run has no masks of kind {kind}: choose --kind {' or '.join(kinds)}")
    models = [owner for known, owner in there if known == kind]
    if model is not None and model not in models:
        raise UsageError(
            f"--model {model!r} has no masks of kind {kind}{nearest(model, models)} There are {', '.join(models)}"
        )
    return [there[kind, owner] for owner in models if model in (None, owner)]


@dataclass(frozen=True)
class _Line:
    """A record in one model: its place in the run, and its file beside the run; empty where it has none."""

    shard: int
    record: str
    subject: str
    model: str
    status: str
    uri: str
    file: str


def _lines(source: FinishedRun, columns: Sequence[OutputColumn]) -> list[_Line]:
    found: list[_Line] = []
    for column in columns:
        status = source.status_column(column.model if column.model in source.models else None)
        rows = list(_rows(source, column, status))
        ending = "." + column.type.removeprefix("object<").removesuffix(">")
        with_file = [row.record for row in rows if row.uri]
        names = dict(zip(with_file, file_names(with_file, ending), strict=True))
        folder = f"{column.model}/" if len(columns) > 1 else ""
        found += [_Line(**{**vars(row), "file": folder + names[row.record] if row.uri else ""}) for row in rows]
    return found


def _rows(source: FinishedRun, column: OutputColumn, status: str) -> Iterator[_Line]:
    names = list(dict.fromkeys(["record_id", "subject_id", status, column.name]))
    for shard, table in source.tables(names):
        values = [
            table[name].cast(pa.string()).to_pylist() for name in ("record_id", "subject_id", status, column.name)
        ]
        for record, subject, what, uri in zip(*values, strict=True):
            yield _Line(shard, record, subject or "", column.model, what, uri or "", "")


@dataclass(frozen=True)
class _Copying:
    source: FinishedRun
    lines: Sequence[_Line]
    kind: Kind

    def write(self, target: Target) -> Written:
        """Copy what is not there yet, then the table."""
        masks = [line for line in self.lines if line.file]
        vouched = self._vouched()
        refs = [_vouched_for(vouched, line) for line in masks]
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            for start in range(0, len(masks), _BATCH):
                part = slice(start, start + _BATCH)
                list(pool.map(lambda line, ref: self._copy(target, line, ref), masks[part], refs[part]))
        said = dict(zip(masks, refs, strict=True))
        target.write_bytes(TABLE, _table(self.lines, said))
        without = len(self.lines) - len(masks)
        figures = {"kind": self.kind, "records": len(self.lines), "masks": len(masks), "without": without}
        rows = [("masks", f"{len(masks):,} ({self.kind})"), ("table", TABLE)]
        note = f"{counted(without, 'record')} without a mask: {TABLE} has the status of each"
        return Written(figures, rows, (note,) if without else ())

    def _vouched(self) -> dict[str, SideObjectRef]:
        shards = sorted({line.shard for line in self.lines if line.uri})
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            return {ref.key: ref for refs in pool.map(self.source.stage.side_objects, shards) for ref in refs}

    def _copy(self, target: Target, line: _Line, ref: SideObjectRef) -> None:
        if not target.has(line.file, ref.sha256):
            target.write_bytes(line.file, _checked(self.source.store, ref))


def _vouched_for(vouched: Mapping[str, SideObjectRef], line: _Line) -> SideObjectRef:
    if line.uri not in vouched:
        raise VerificationError("a row refers to a mask that its shard does not vouch for: the run is damaged")
    return vouched[line.uri]


def _checked(store: Store, ref: SideObjectRef) -> bytes:
    try:
        body = store.get(ref.key)
    except ObjectMissing:
        raise VerificationError(
            f"{store.uri}: a mask that the rows vouch for is not there: wardround verify says more"
        ) from None
    if sha256_of(body) != ref.sha256:
        raise VerificationError(
            f"{store.uri}: a mask is not the one that was written with its row: wardround verify says more"
        )
    return body


def _table(lines: Sequence[_Line], refs: Mapping[_Line, SideObjectRef]) -> bytes:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(_HEADER)
    for line in lines:
        ref = refs.get(line)
        size, digest = (ref.bytes, ref.sha256) if ref else ("", "")
        table.writerow((line.record, line.subject, line.model, line.status, line.file, size, digest))
    return text.getvalue().encode()
