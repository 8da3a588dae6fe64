"""CSV as columns follows the rules of CSV records: what is null, what is text, what separates fields."""

from __future__ import annotations

import gzip
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import SpecError
from workers.reading import csv_tables
from workers.reading.csv_faults import csv_fault
from workers.reading.csv_tables import csv_batches, csv_names
from workers.reading.gzip import InflationError

BODY = b'\xef\xbb\xbfid,note,size\n007,"",1\nNA,,\n"a\nb",null,3\n'
TYPES = {"id": pa.string(), "note": pa.string(), "size": pa.int64()}


@contextmanager
def blocks_of(size: int) -> Iterator[None]:
    before = csv_tables._BLOCK
    csv_tables._BLOCK = size
    try:
        yield
    finally:
        csv_tables._BLOCK = before


@pytest.fixture
def small() -> Iterator[None]:
    with blocks_of(1 << 10):
        yield


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


class Counted(io.BytesIO):
    """Says how often it was asked for more."""

    asked = 0

    def read(self, size: int | None = -1) -> bytes:
        self.asked += 1
        return super().read(size)


def test_a_reader_that_is_left_early_reads_no_more_of_its_file(small: None) -> None:
    file = Counted(b"a,b\n" + b"1,2\n" * 20_000)
    batches = csv_batches(file, "in.csv", ",", {"a": pa.string(), "b": pa.string()})
    next(batches)
    batches.close()
    assert file.asked == 1


HELD: set[int] = set()
ASKED_BY: set[int] = set()


class Block(bytes):
    """What was read, and whether it is still held by somebody."""

    def __del__(self) -> None:
        HELD.discard(id(self))


class Lender(io.BytesIO):
    """Remembers the blocks that it gave away, and the threads that asked for them."""

    def read(self, size: int | None = -1) -> bytes:
        ASKED_BY.add(threading.get_ident())
        block = Block(super().read(size))
        HELD.add(id(block))
        return block


def test_no_block_of_a_table_is_left_to_a_thread_of_arrow(small: None) -> None:
    # Of memory that is Python's a thread lets go with the interpreter's lock, which aborts a process that is ending.
    left = 0
    ASKED_BY.clear()
    for _ in range(300):
        csv_names(Lender(b"path,sex\na,b\n" * 100), "x.csv", ",")
        left += bool(HELD)
        batches = csv_batches(Lender(b"a\n" + b"1\n" * 50_000), "x.csv", ",", {"a": pa.string()})
        next(batches)
        batches.close()
        left += bool(HELD)
    assert (left, ASKED_BY) == (0, {threading.get_ident()})


def _rows(body: bytes, block: int) -> list[dict[str, str]] | str:
    with blocks_of(block):
        try:
            names = csv_names(io.BytesIO(body), "x.csv", ",")
            types = dict.fromkeys(names, pa.string())
            batches = csv_batches(io.BytesIO(body), "x.csv", ",", types)
            return [row for batch in batches for row in batch.to_pylist()]
        except pa.ArrowInvalid:
            return "no CSV"


FIELDS = st.sampled_from(
    ["", "a", '""', '"x,y"', '"a\nb"', '"\r\n"', '"c ""d"""', '""""', 'the "middle"', '"a"b"c', "ü", "\ufeff"]
)
RECORDS = st.builds(lambda one, two, end: one + "," + two + end, FIELDS, FIELDS, st.sampled_from(["\n", "\r\n", "\r"]))


@given(st.sampled_from(["", "\ufeff", "\n"]), st.lists(RECORDS | st.just("\n"), max_size=40))
def test_a_table_in_blocks_has_the_rows_of_the_whole_one(before: str, records: list[str]) -> None:
    body = (before + "id,note\n1,2\n" + "".join(records)).encode()
    for cut in (body, body.rstrip(b"\r\n")):
        rows = _rows(cut, 1 << 20)
        assert rows != "no CSV"
        assert _rows(cut, 48) == rows


@given(st.lists(RECORDS | st.sampled_from(['"', "a", ",", "\n"]), max_size=40))
def test_what_is_no_csv_in_one_block_is_none_in_many(pieces: list[str]) -> None:
    body = ("id,note\n" + "".join(pieces)).encode()
    # In blocks a record may be too long as well.
    assert _rows(body, 48) in (_rows(body, 1 << 20), "no CSV")


@pytest.mark.parametrize("row", [b"1,2\n", b'"1","x ""y"" z\n"\n', b"1,2\r\n", b"1,2\r", b'1,in "the" middle\n'])
def test_every_row_of_a_table_of_many_blocks_is_there_once(row: bytes, small: None) -> None:
    body = b"a,b\n" + row * 5000
    batches = csv_batches(io.BytesIO(body), "x.csv", ",", {"a": pa.string(), "b": pa.string()})
    rows = [one for batch in batches for one in batch.to_pylist()]
    assert rows == [rows[0]] * 5000
    assert rows[0]["a"] == "1"


def test_a_fault_in_a_later_block_is_one_of_the_table(small: None) -> None:
    body = b"a,b\n" + b"1,2\n" * 5000
    types = {"a": pa.string(), "b": pa.string()}
    for fault in (b"1,2,3\n", b'"never closed\n', b"\xff,1\n"):
        with pytest.raises(pa.ArrowInvalid):
            list(csv_batches(io.BytesIO(body + fault + b"1,2\n" * 5000), "x.csv", ",", types))


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(SpecError, match="two columns 'a'"):
        csv_names(io.BytesIO(b"a,b,a\n1,2,3\n"), "in.csv", ",")


def test_a_damaged_gzip_is_said_to_be_one_wherever_it_is_cut() -> None:
    body = gzip.compress(b'a,b\n1,"x\ny"\n' * 100_000)
    assert "gzip" in csv_fault(io.BytesIO(body[: len(body) * 2 // 3]), "x.csv.gz", ",")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"uri,sex", "nothing below it"),
        ("uri,sex\na,M\n".encode("utf-16-le"), "UTF-16"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(99), "Excel"),
    ],
)
def test_what_is_no_table_is_said_to_be_what_it_is(body: bytes, says: str) -> None:
    assert says in csv_fault(io.BytesIO(body), "x.csv", ",")
