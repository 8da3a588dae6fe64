"""Records of CSV end where the `csv` module of Python ends them, whatever the blocks that a file comes in."""

from __future__ import annotations

import csv
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.errors import SpecError
from workers.reading.csv_records import csv_records, delimiter_of, fields_of, fields_of_each, header_names

LIMIT = 10_000
FIELD = st.text(alphabet='é",\n\r x', max_size=12)


def by_python(data: bytes) -> list[tuple[int, int]]:
    """(start, size) of each record, by what the module takes of the lines; those left open end the list with size 0."""
    taken = 0
    over = False

    def lines() -> Iterator[str]:
        nonlocal taken, over
        for line in data.split(b"\n")[:-1] if data.endswith(b"\n") else [*data.split(b"\n")]:
            ending = b"\n" if taken + len(line) < len(data) else b""
            taken += len(line) + len(ending)
            yield (line + ending).decode("latin-1")
        over = True

    parser = csv.reader(lines())
    found: list[tuple[int, int]] = []
    start = 0
    while start < len(data):
        try:
            next(parser)
        except StopIteration:
            break
        except csv.Error:
            pass
        found.append((start, 0 if over else taken - start))
        start = taken
    return found


def in_blocks(data: bytes, size: int) -> Iterator[bytes]:
    return iter([data[start : start + size] for start in range(0, len(data), size)])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["a", '"', ",", "\n", "\r\n"]), max_size=40).map("".join), st.integers(1, 45))
@example('a,"b\n""c",d\n"x" y"\nz', 3)
@example('"a"",\n"\n""\n', 1)
def test_records_end_where_python_ends_them(text: str, size: int) -> None:
    data = text.encode()
    found = [(line.start, line.size or 0) for line in csv_records(in_blocks(data, size), b",", LIMIT)]
    assert found == by_python(data)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(st.text(alphabet='é",\n\r x', max_size=12), min_size=2, max_size=2), max_size=8),
    st.integers(1, 64),
)
def test_what_python_writes_is_found_record_by_record(rows: list[list[str]], size: int) -> None:
    parts: list[str] = []
    for row in rows:
        writer = csv.writer(type("Sink", (), {"write": staticmethod(parts.append)})())
        writer.writerow(row)
    data = "".join(parts).encode()
    found = [line.data for line in csv_records(in_blocks(data, size), b",", LIMIT)]
    assert found == [part.encode() for part in parts]


def test_a_long_record_without_a_quote_costs_itself_only() -> None:
    data = b"a,b\n" + b"x" * 5000 + b"\n" + b"c,d\n"
    found = [(line.size, line.number, line.data) for line in csv_records(in_blocks(data, 100), b",", 1000)]
    assert found == [(4, 1, b"a,b\n"), (5001, 2, None), (4, 3, b"c,d\n")]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(["", '""', '"a ""b"" c"', '""""', "x", "NA", '"x\ny"', 'q"', '"a"b']), min_size=1))
@example(['""'])
@example(["", '""', '""""'])
def test_an_empty_field_is_null_without_quotes_and_empty_text_with_them(written: list[str]) -> None:
    record = ";".join(written)
    fields = fields_of(record + "\r\n", ";")
    by_python = next(csv.reader([record], delimiter=";"), [])
    if not record:
        assert fields == []
        return
    assert [field or "" for field in fields] == by_python
    assert [field is None for field in fields] == [text == "" for text in written]


def test_one_parser_for_many_records_gives_each_its_fields_and_goes_on_behind_one_that_is_none() -> None:
    records = ['a,"",\r\n', '"b\nc",d,\n', '"x"y,1,2\n', "e,,f"]
    assert list(fields_of_each(iter(records), ",", strict=True)) == [
        (records[0], ["a", "", None]),
        (records[1], ["b\nc", "d", None]),
        (records[2], None),
        (records[3], ["e", None, "f"]),
    ]


def test_two_columns_of_one_name_are_refused() -> None:
    assert header_names(["a", None, "b"]) == ("a", "", "b")
    with pytest.raises(SpecError, match="two columns 'a'"):
        header_names(["b", "a", "b", "a"])


def test_the_name_of_a_file_says_what_separates_its_fields_where_the_spec_does_not() -> None:
    assert [delimiter_of(name) for name in ("a.csv", "A.TSV.gz", "a.tsv")] == [",", "\t", "\t"]
    assert delimiter_of("a.tsv", ";") == ";"
