"""The reading side of collection `molecules`: RDKit in child processes, then each model's encoder."""

import time
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from schemas.status import Fault, Status
from workers.children.contract import DecodePool, Request, Result
from workers.contract import Encoded
from workers.molecules.contract import Wanted
from workers.molecules.planning import CANONICAL, INCHIKEY, SMILES
from workers.pipeline.byte_budget import ByteBudget
from workers.pipeline.read_ahead import read_ahead
from workers.pipeline.reading import Prepared, nbytes_of
from workers.text_models.contract import TextEncoder

CHUNK = 64
"""Molecules that go to a child process at a time."""
_ROW_BYTES = 500

Row = Mapping[str, Any]


@dataclass(frozen=True)
class ModelView:
    """How a model sees molecules. `form` of the SMILES matters to encoders of text alone."""

    encoder: TextEncoder | Wanted
    form: str


class MoleculeReader:
    """Implements `workers.pipeline.reading.Reader`.

    `inputs[m]` of a record is what the m-th model's encoder made of it. The arrays of `pool` are those of the models
    that want numbers, in their order.
    """

    def __init__(self, pool: DecodePool, models: Sequence[ModelView], budget: ByteBudget, depth: int) -> None:
        self.prepare_seconds = 0.0
        self._pool = pool
        self._models = models
        self._budget = budget
        self._depth = depth

    def read(self, records: pa.Table) -> Generator[list[Prepared], None, None]:
        """Every record once, in order, a chunk at a time."""
        columns = ["record_id", SMILES, "fault", "fault_detail"]
        starts = range(0, records.num_rows, CHUNK)
        chunks = ((start, records.slice(start, CHUNK).select(columns).to_pylist()) for start in starts)
        ahead = read_ahead(chunks, self._submit, self._depth, self._budget)
        with closing(ahead):
            for (start, rows), results in ahead:
                yield self._finished(start, rows, results)

    def _submit(self, chunk: tuple[int, list[Row]]) -> Future[list[Result]]:
        good = [row for row in chunk[1] if row["fault"] is None]
        return self._pool.submit([Request(row[SMILES].encode(), {}, row["record_id"]) for row in good])

    def _finished(self, start: int, rows: Sequence[Row], done: list[Result]) -> list[Prepared]:
        results = iter(done)
        began = time.thread_time()
        found = [(row, next(results) if row["fault"] is None else None) for row in rows]
        inputs = iter(self._encode([(row, result) for row, result in found if result and result.status is None]))
        prepared = [
            _refused(start + place, row, result)
            if result is None or result.status is not None
            else _prepared(start + place, result, next(inputs))
            for place, (row, result) in enumerate(found)
        ]
        self._budget.add(nbytes_of(prepared))
        self.prepare_seconds += time.thread_time() - began + sum(result.seconds for _, result in found if result)
        return prepared

    def _encode(self, good: Sequence[tuple[Row, Result]]) -> list[tuple[Encoded, ...]]:
        """What each model takes of each molecule."""
        by_model: list[list[Encoded]] = []
        arrays = 0
        for model in self._models:
            if isinstance(model.encoder, Wanted):
                by_model.append([_number(result, arrays) for _, result in good])
                arrays += 1
                continue
            texts = [row[SMILES] if model.form == "given" else result.meta["canonical"] for row, result in good]
            by_model.append([_whole(one) for one in model.encoder.encode(texts)] if texts else [])
        return list(zip(*by_model, strict=True)) if by_model else [()] * len(good)

    def close(self) -> None:
        """Stop reading ahead, and the child processes."""
        self._pool.close()
        for model in self._models:
            model.encoder.close()


def _number(result: Result, place: int) -> Encoded:
    # A copy: all arrays of a chunk share memory that lives as long as any of them.
    value = result.arrays[place].copy()
    return Encoded(value, value.nbytes)


def _whole(encoded: Encoded) -> Encoded:
    """A molecule is not cut into windows: what one of them would say is nobody's answer."""
    note = encoded.value
    if encoded.fault is not None:
        return encoded
    if note.truncated or len(note.windows) > 1:
        detail = f"the molecule has {note.n_tokens} tokens, the model takes {max(note.counts)} at most"
        return Encoded(None, fault=Fault(Status.OUT_OF_CONTRACT, detail))
    return Encoded(note, encoded.nbytes)


def _refused(row: int, planned: Row, result: Result | None) -> Prepared:
    if result is None:
        return Prepared(row, status=Status(planned["fault"]), detail=planned["fault_detail"])
    return Prepared(row, status=Status(result.status or Status.UNREADABLE), detail=result.detail)


def _prepared(row: int, result: Result, inputs: Sequence[Encoded]) -> Prepared:
    columns = {CANONICAL: result.meta["canonical"], INCHIKEY: result.meta["inchikey"]}
    return Prepared(row, inputs, columns=columns, nbytes=_ROW_BYTES + sum(one.nbytes for one in inputs))
