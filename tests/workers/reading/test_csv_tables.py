"""CSV as columns follows the rules of CSV records: what is null, what is text, what separates fields."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import time
from typing import ClassVar

import pyarrow as pa
import pytest

from schemas.errors import SpecError
from workers.reading.csv_tables import csv_batches, csv_names
from workers.reading.gzip import InflationError

BODY = b'\xef\xbb\xbfid,note,size\n007,"",1\nNA,,\n"a\nb",null,3\n'
TYPES = {"id": pa.string(), "note": pa.string(), "size": pa.int64()}


@pytest.mark.parametrize("name", ["in.csv", "in.csv.gz"])
def test_an_empty_field_is_null_without_quotes_and_empty_text_with_them(name: str) -> None:
    body = gzip.compress(BODY[:20]) + gzip.compress(BODY[20:]) + bytes(20) if name.endswith(".gz") else BODY
    assert csv_names(io.BytesIO(body), name, ",") == ("id", "note", "size")
    rows = [row for batch in csv_batches(io.BytesIO(body), name, ",", TYPES) for row in batch.to_pylist()]
    assert rows == [
        {"id": "007", "note": "", "size": 1},
        {"id": "NA", "note": None, "size": None},
        {"id": "a\nb", "note": "null", "size": 3},
    ]


def test_only_the_columns_that_are_asked_for_are_read() -> None:
    (batch,) = csv_batches(io.BytesIO(BODY), "in.csv", ",", TYPES, ["note"])
    assert batch.to_pydict() == {"note": ["", None, "null"]}


def test_a_compressed_table_that_ends_early_is_no_shorter_table() -> None:
    body = gzip.compress(BODY * 1000)
    with pytest.raises(InflationError, match="ends early"):
        list(csv_batches(io.BytesIO(body[:-20]), "in.csv.gz", ",", TYPES))


class Slow(io.BytesIO):
    """Says who is inside `read`, and how often it was asked."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self.asked = self.inside = 0

    def read(self, size: int | None = -1) -> bytes:
        self.asked += 1
        self.inside += 1
        time.sleep(0.02)
        self.inside -= 1
        return super().read(size)


@pytest.mark.parametrize("name", ["in.csv", "in.csv.gz"])
def test_a_reader_that_is_left_early_reads_no_more_of_its_file(name: str) -> None:
    body = b"a,b\n" + b"1,2\n" * 20_000_000
    file = Slow(gzip.compress(body, 1) if name.endswith(".gz") else body)
    batches = csv_batches(file, name, ",", {"a": pa.string(), "b": pa.string()})
    next(batches)
    batches.close()
    asked = file.asked
    time.sleep(0.1)
    assert (file.asked, file.inside) == (asked, 0)


@pytest.mark.parametrize("wanted", ["csv_names(file, 'x.csv', ',')", "next(csv_batches(file, 'x.csv', ',', types))"])
def test_a_process_ends_in_good_order_whatever_was_read_ahead(wanted: str) -> None:
    code = f"""
import io, time
import pyarrow as pa
from workers.reading.csv_tables import csv_batches, csv_names

class Slow(io.BytesIO):
    def read(self, size=-1):
        time.sleep(0.005)
        return super().read(size)

file, types = Slow(b"a,b\\n" + b"1,2\\n" * 20_000_000), {{"a": pa.string(), "b": pa.string()}}
{wanted}
"""
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, b"")


class Block(bytes):
    """What was read, and whether it is still held by somebody."""

    held: ClassVar[set[int]] = set()

    def __del__(self) -> None:
        self.held.discard(id(self))


class Lender(io.BytesIO):
    """Remembers the blocks that it gave away."""

    def read(self, size: int | None = -1) -> bytes:
        block = Block(super().read(size))
        Block.held.add(id(block))
        return block


def test_no_block_of_a_table_is_left_to_a_thread_of_arrow() -> None:
    # Of memory that is Python's a thread lets go with the interpreter's lock, which aborts a process that is ending.
    left = 0
    for _ in range(300):
        csv_names(Lender(b"path,sex\na,b\n"), "x.csv", ",")
        left += bool(Block.held)
        batches = csv_batches(Lender(b"a\n" + b"1\n" * 50_000), "x.csv", ",", {"a": pa.string()})
        next(batches)
        batches.close()
        left += bool(Block.held)
    assert left == 0


@pytest.mark.parametrize("ends", ["", "raise SystemExit(0)"])
def test_nothing_of_a_file_that_was_read_is_left_to_a_thread_of_arrow(ends: str) -> None:
    # A thread that is the last to let go of an open file asks an interpreter that is ending for its lock.
    code = f"""
import io, gc
import pyarrow as pa
from workers.reading import csv_tables

made = []
opened = pa.PythonFile
csv_tables.pa.PythonFile = lambda *given: made.append(opened(*given)) or made[-1]
csv_tables.csv_names(io.BytesIO(b"path,subject\\na,b\\n"), "x.csv", ",")
next(csv_tables.csv_batches(io.BytesIO(b"a\\n1\\n"), "x.csv", ",", {{"a": pa.string()}})); gc.collect()
try:
    csv_tables.csv_names(io.BytesIO(b""), "x.csv", ",")
except pa.ArrowInvalid:
    pass
assert made == []
csv_tables._BLOCK = 1 << 10
big = b"a\\n" + b"1\\n" * 5000
next(csv_tables.csv_batches(io.BytesIO(big), "x.csv", ",", {{"a": pa.string()}})); gc.collect()
assert len(made) == 1 and made[0].closed
{ends}
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(SpecError, match="two columns 'a'"):
        csv_names(io.BytesIO(b"a,b,a\n1,2,3\n"), "in.csv", ",")
