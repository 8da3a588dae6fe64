"""A FASTA whose records are scored: each has its name, and the bytes in which its sequence stands."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cluster.storage import ObjectChanged, ObjectMissing
from schemas.errors import RecordError, SpecError
from schemas.status import Fault, Status
from workers.genomics.sequences.fasta_file import FastaFile
from workers.genomics.sequences.regions import EMPTY, Region
from workers.reading.absent import fault_of

COLUMNS = ("member", "size", "etag")
"""What is needed of a planned row."""

_NAME = 1000
"""Bytes of a header line in which the name has to end."""
_GAP = 64 << 10
_RUN = 8 << 20
_SPACE = b" \t\r\n"
_ABSENT = "the file is not there, or its index"


@dataclass(frozen=True)
class FastaRecord:
    """`name` is the first word of the header line, `start` and `size` are the bytes behind that line."""

    name: str
    start: int
    size: int


def fasta_records(pieces: Iterable[bytes], key: str) -> Iterator[FastaRecord]:
    """The records of a file, in order; one without a name is `<key>#<n>`, counted from 1. Raises SpecError."""
    name: str | None = None
    start = number = 0
    for at, head, length in _lines(pieces):
        if head.startswith(b">"):
            if name is not None:
                yield FastaRecord(name, start, at - start)
            number += 1
            name, start = _name(head) or f"{key}#{number}", at + length
        elif name is None and head.strip():
            raise SpecError("input.uri does not begin with '>': it is no FASTA")
        end = at + length
    if name is not None:
        yield FastaRecord(name, start, end - start)


def _name(head: bytes) -> str:
    words = head[1:].split(None, 1)
    return words[0].decode("utf-8", "replace") if words and not head[1:2].isspace() else ""


def _lines(pieces: Iterable[bytes]) -> Iterator[tuple[int, bytes, int]]:
    """Where each line begins, its first bytes, and its length with the line break."""
    at = length = 0
    head = b""
    for piece in pieces:
        begin = 0
        while (end := piece.find(b"\n", begin)) >= 0:
            head += piece[begin : min(end, begin + _NAME - len(head))]
            length += end + 1 - begin
            yield at, head, length
            head, at, length, begin = b"", at + length, 0, end + 1
        head += piece[begin : begin + _NAME - len(head)]
        length += len(piece) - begin
    if length:
        yield at, head, length


class FastaFetcher:
    """Sequences of planned records; neighbours come with one request. For one thread."""

    def __init__(self, open_file: Callable[[str], FastaFile], longest: int) -> None:
        self._open = open_file
        self._longest = longest
        self._file: FastaFile | None = None

    def fetch(self, rows: Sequence[Mapping[str, Any]]) -> list[Region | Fault]:
        """One a row, in order. Raises InfrastructureError where storage keeps failing."""
        found: list[Region | Fault] = []
        for run in _runs(rows, 2 * self._longest):
            try:
                found += self._run(run)
            except RecordError as error:
                found += [Fault(Status(error.status), error.detail)] * len(run)
            except SpecError:
                found += [Fault(Status.MISSING, _ABSENT)] * len(run)
            except (ObjectMissing, ObjectChanged) as error:
                found += [fault_of(error, _ABSENT, "the file was changed after it was planned")] * len(run)
        return found

    def close(self) -> None:
        """Let go of the file; the next fetch opens it anew."""
        self._file = None

    def _run(self, rows: Sequence[Mapping[str, Any]]) -> list[Region | Fault]:
        if self._file is None:
            self._file = self._open(rows[0]["etag"])
        if len(rows) == 1 and rows[0]["size"] > 2 * self._longest:
            return [self._too_large()]
        first = rows[0]["member"]
        end = rows[-1]["member"] + rows[-1]["size"]
        body = self._file.read(first, end) if end > first else b""
        return [self._one(body[row["member"] - first :][: row["size"]]) for row in rows]

    def _one(self, raw: bytes) -> Region | Fault:
        letters = raw.translate(None, _SPACE)
        if len(letters) > self._longest:
            return self._too_large()
        if not letters:
            return EMPTY
        return Region(np.frombuffer(letters, np.uint8))

    def _too_large(self) -> Fault:
        return Fault(Status.TOO_LARGE, f"the sequence has more than {self._longest} letters")


def _runs(rows: Sequence[Mapping[str, Any]], alone: int) -> Iterator[Sequence[Mapping[str, Any]]]:
    """Neighbours that are read at once; what is far too long goes alone and is not read."""
    start = 0
    for i, row in enumerate(rows):
        if i == start:
            continue
        before = rows[i - 1]
        is_near = 0 <= row["member"] - before["member"] - before["size"] <= _GAP
        fits = row["member"] + row["size"] - rows[start]["member"] <= _RUN
        if not is_near or not fits or max(row["size"], before["size"]) > alone:
            yield rows[start:i]
            start = i
    if rows:
        yield rows[start:]
