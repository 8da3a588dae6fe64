from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from cluster.storage import open_store
from schemas.status import Status
from workers.ehr.convert_omop.csv_rows import Fields, Problem, csv_rows
from workers.ehr.convert_omop.settings import OmopInput
from workers.ehr.meds.chunks import Chunk


def rows(folder: Path, body: bytes, name: str = "death.csv", **settings: Any) -> list[Fields | Problem]:
    (folder / name).write_bytes(body)
    store = open_store(str(folder))
    head = store.head(name)
    assert head is not None
    chunk = Chunk(name, head.etag, "death", 0, 0, head.size)
    return list(csv_rows(store, chunk, head.size, OmopInput(format="omop", uri=str(folder), **settings)))


def test_an_empty_field_without_quotes_is_nothing_and_one_in_quotes_is_text(tmp_path: Path) -> None:
    assert rows(tmp_path, b'\xef\xbb\xbfa,b\r\n,""\r\n\r\n"x, y","1 ""2"""\n') == [
        ["a", "b"],
        [None, ""],
        ["x, y", '1 "2"'],
    ]


def test_where_only_tabs_stand_in_the_header_quotes_mean_nothing(tmp_path: Path) -> None:
    assert rows(tmp_path, b'a\tb\n"x\t\n1,5\ty"\n') == [["a", "b"], ['"x', None], ["1,5", 'y"']]


@pytest.mark.parametrize("mark", [b",", b";", b"|", b"\t"])
def test_what_stands_between_fields_is_told_by_the_header(tmp_path: Path, mark: bytes) -> None:
    body = mark.join([b"person_id", b"note"]) + b"\n" + mark.join([b"1", b"a"]) + b"\n" + mark.join([b"2", b""]) + b"\n"
    assert rows(tmp_path, body) == [["person_id", "note"], ["1", "a"], ["2", None]]


def test_commas_in_fields_behind_semicolons_and_the_other_way_round_part_nothing(tmp_path: Path) -> None:
    assert rows(tmp_path, b'a;b\n"1;2";3,5\n') == [["a", "b"], ["1;2", "3,5"]]
    assert rows(tmp_path, b"a,b\n1;2,3;5\n") == [["a", "b"], ["1;2", "3;5"]]


def test_a_row_that_cannot_be_read_is_told_and_the_next_one_read(tmp_path: Path) -> None:
    found = rows(tmp_path, b"a,b\n1\n1,2,3\n\xff,2\n3,4\n")
    assert found == [
        ["a", "b"],
        Problem("1 column where the header has 2"),
        Problem("3 columns where the header has 2"),
        Problem("not UTF-8"),
        ["3", "4"],
    ]


@pytest.mark.parametrize(
    ("body", "name", "problem"),
    [
        (b'a,b\n1,2\n3,"4\n', "x.csv", Problem("not CSV from line 3 on: a quote there is not closed", ends=True)),
        (
            b"a,b\n1,2\n" + b"3" * 50 + b",4\n",
            "x.csv",
            Problem("a line is longer than 40 bytes", Status.TOO_LARGE, ends=True),
        ),
    ],
)
def test_nothing_comes_after_a_problem_that_ends_the_file(
    tmp_path: Path, body: bytes, name: str, problem: Problem
) -> None:
    assert rows(tmp_path, body + b"5,6\n", name, max_line=40) == [["a", "b"], ["1", "2"], problem]


def test_a_gzipped_table_that_is_cut_off_gives_what_could_be_inflated(tmp_path: Path) -> None:
    packed = gzip.compress(b"a,b\n1,2\n", 0)
    assert rows(tmp_path, packed, "x.csv.gz") == [["a", "b"], ["1", "2"]]
    *whole, last = rows(tmp_path, packed[:-3], "x.csv.gz")
    assert whole == [["a", "b"], ["1", "2"]]
    assert isinstance(last, Problem)
    assert last.ends


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    assert rows(tmp_path, b"") == []
