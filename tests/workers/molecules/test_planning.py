"""What of a table becomes a record, and what is known of it before RDKit sees it."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.storage import StorageSettings
from schemas.errors import MissingExtraError, SpecError
from schemas.spec import Compute
from workers.molecules.collection import open_collection
from workers.molecules.planning import MoleculeRecords
from workers.molecules.settings import MoleculesInput


def planned(path: Path, **settings: Any) -> list[dict[str, Any]]:
    source = MoleculesInput.model_validate({"collection": "molecules", "uri": str(path), **settings})
    found = MoleculeRecords(source, StorageSettings())
    return [row for batch in found.batches() for row in batch.to_pylist()]


def brief(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(row["record_id"], row["smiles"], row["fault"]) for row in rows]


def test_a_line_of_smi_is_a_smiles_and_a_name(tmp_path: Path) -> None:
    path = tmp_path / "in.smi"
    path.write_bytes(b"CCO\tethanol 96 %\r\nc1ccccc1 benzene\n\nC\n\xff\xfeC bad\nCC \xff\n" + b"C" * 11 + b" long\n ")
    assert brief(planned(path, max_chars=10)) == [
        ("ethanol 96 %", "CCO", None),
        ("benzene", "c1ccccc1", None),
        ("in.smi#2", "C", None),
        ("bad", None, "unreadable"),
        ("in.smi#4", "CC", None),
        ("long", None, "too_large"),
    ]


def test_the_title_of_smi_is_left_out_where_it_is_said_to_be_there(tmp_path: Path) -> None:
    path = tmp_path / "in.smi"
    path.write_bytes(b"\xef\xbb\xbfSMILES Name\nCCO a\n")
    assert brief(planned(path, header=True)) == [("a", "CCO", None)]
    assert len(planned(path)) == 2


def test_a_table_of_text_has_a_record_a_row_whatever_is_wrong_with_it(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(
        b'\xef\xbb\xbfid,smiles,vendor\nm1,CCO,A\nm2,,\n\nm3,"C\nC",B\nm4,CC\nm5,\xff,\xff\n\xff,C,D\nm6,'
        + b"C" * 20_000
        + b',E\n"m""7"," CCN ","x,y"\n'
    )
    rows = planned(path, record_id="id", carry=["vendor"])
    assert brief(rows) == [
        ("m1", "CCO", None),
        ("m2", None, "empty"),
        ("m3", None, "unreadable"),
        ("in.csv#3", None, "unreadable"),
        ("m5", None, "unreadable"),
        ("in.csv#5", "C", None),
        ("m6", None, "too_large"),
        ('m"7', "CCN", None),
    ]
    assert [row["vendor"] for row in rows] == ["A", None, "B", None, "\ufffd", "D", "E", "x,y"]


def test_ids_are_numbers_of_rows_where_no_column_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("smiles\tid\nC\tx\nCC\tx\n")
    (tmp_path / "b.tsv").write_text("id\tsmiles\nx\tCCC\n")
    assert [row["record_id"] for row in planned(tmp_path)] == ["a.tsv#0", "a.tsv#1", "b.tsv#0"]


def test_parquet_may_hold_text_bytes_or_dictionaries_and_carried_columns_keep_their_type(tmp_path: Path) -> None:
    texts = ["CCO", None, "", "C" * 30, "CC"]
    for kind in (pa.string(), pa.large_string(), pa.binary(), pa.dictionary(pa.int32(), pa.string())):
        table = pa.table(
            {
                "smiles": pa.array(texts, pa.string()).cast(kind),
                "id": pa.array(range(5)),
                "dose": pa.array([1.5, None, 2.0, 3.0, 4.0]),
            }
        )
        pq.write_table(table, tmp_path / "in.parquet")
        rows = planned(tmp_path / "in.parquet", record_id="id", carry=["dose"], max_chars=20)
        faults = [None, "empty", "empty", "too_large", None]
        ids = ["0", "1", "2", "3", "4"]
        assert [(row["record_id"], row["fault"]) for row in rows] == list(zip(ids, faults, strict=True))
        assert [row["dose"] for row in rows] == [1.5, None, 2.0, 3.0, 4.0]


def test_bytes_in_parquet_that_are_no_text_are_unreadable(tmp_path: Path) -> None:
    wrong = pa.Array.from_buffers(pa.string(), 2, [None, *pa.array([b"CC", b"\xff\xfe"]).buffers()[1:]])
    pq.write_table(pa.table({"smiles": wrong}), tmp_path / "in.parquet")
    assert [row["fault"] for row in planned(tmp_path / "in.parquet")] == [None, "unreadable"]


def test_compressed_text_is_read_in_all_its_streams(tmp_path: Path) -> None:
    (tmp_path / "in.smi.gz").write_bytes(gzip.compress(b"C a\n" * 3) + gzip.compress(b"CC b\nCCC c") + b"\0" * 100)
    assert [row["smiles"] for row in planned(tmp_path / "in.smi.gz")] == ["C", "C", "C", "CC", "CCC"]


@pytest.mark.parametrize("damage", ["cut", "garbage"])
def test_a_damaged_compressed_file_is_an_error_not_a_shorter_table(tmp_path: Path, damage: str) -> None:
    whole = gzip.compress(b"".join(b"CC mol%d\n" % number for number in range(2000)))
    middle = len(whole) // 2
    (tmp_path / "in.smi.gz").write_bytes(whole[:middle] if damage == "cut" else whole[:middle] + b"\xff" * 60)
    with pytest.raises(SpecError, match="damaged or cut off"):
        planned(tmp_path / "in.smi.gz")


def test_a_line_without_end_is_held_in_part_and_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.molecules.text_files.LONGEST_LINE", 5000)
    (tmp_path / "in.smi.gz").write_bytes(gzip.compress(b"CC a\n" + b"C" * 100_000 + b" b\nCCC c\n"))
    assert brief(planned(tmp_path / "in.smi.gz", max_chars=2000)) == [
        ("a", "CC", None),
        ("in.smi.gz#1", None, "too_large"),
        ("c", "CCC", None),
    ]


def test_a_quote_that_is_never_closed_is_an_error_that_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.molecules.text_files.LONGEST_LINE", 5000)
    (tmp_path / "in.csv").write_text('smiles\n"C\n' + "CC\n" * 5000)
    with pytest.raises(SpecError, match="quote may never be closed"):
        planned(tmp_path / "in.csv")


@pytest.mark.parametrize(
    ("name", "body", "settings", "said"),
    [
        ("in.csv", b"id,smile\n1,C\n", {}, "no column 'smiles', did you mean 'smile'"),
        ("in.csv", b"smiles,smiles\nC,C\n", {}, "two columns 'smiles'"),
        ("in.smi", b"C a\n", {"carry": ["x"]}, "no columns"),
        ("in.csv", b"smiles,fault\nC,1\n", {"carry": ["fault"]}, "writes anyway"),
        ("in.parquet", b"PAR1 nothing", {}, "no Parquet file, or damaged"),
        ("in.sdf", b"x", {}, "name input.format"),
    ],
)
def test_an_input_that_cannot_be_used_is_a_clear_error(
    tmp_path: Path, name: str, body: bytes, settings: dict[str, Any], said: str
) -> None:
    (tmp_path / name).write_bytes(body)
    source = MoleculesInput.model_validate({"collection": "molecules", "uri": str(tmp_path / name), **settings})
    with pytest.raises(SpecError, match=said):
        list(MoleculeRecords(source, StorageSettings()).batches())


def test_numbers_are_no_smiles(tmp_path: Path) -> None:
    pq.write_table(pa.table({"smiles": [1, 2]}), tmp_path / "in.parquet")
    with pytest.raises(SpecError, match="SMILES are text"):
        planned(tmp_path / "in.parquet")


def test_files_of_several_formats_are_told_apart_by_the_spec_alone(tmp_path: Path) -> None:
    (tmp_path / "a.smi").write_text("C a\n")
    (tmp_path / "b.csv").write_text("smiles\nCC\n")
    with pytest.raises(SpecError, match="several formats"):
        planned(tmp_path)
    assert [row["smiles"] for row in planned(tmp_path, format="csv")] == ["CC"]
    assert [row["smiles"] for row in planned(tmp_path, glob="*.smi")] == ["C"]


def test_what_is_known_of_records_is_counted_for_the_plan(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("smiles\nCCO\n\nCCCC\nC,C\n")
    source = MoleculesInput.model_validate({"collection": "molecules", "uri": str(tmp_path / "in.csv")})
    found = MoleculeRecords(source, StorageSettings())
    tables = [pa.Table.from_batches([batch]) for batch in found.batches()]
    assert found.look(tables) == {"longest_smiles": 4, "not_to_be_scored": {"unreadable": 1}}


def test_without_rdkit_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in.smi").write_text("C a\n")
    source = MoleculesInput.model_validate({"collection": "molecules", "uri": str(tmp_path / "in.smi")})
    assert open_collection(source, StorageSettings(), Compute()).stages == ("predict",)
    monkeypatch.setattr("workers.molecules.collection.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"wardround\[molecules\]"):
        open_collection(source, StorageSettings(), Compute())


def test_an_empty_field_is_null_without_quotes_and_empty_text_with_them(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text('smiles,note,more\nC,,""\n"","",x\n')
    rows = planned(tmp_path / "in.csv", carry=["note", "more"])
    assert [(row["note"], row["more"], row["fault"]) for row in rows] == [(None, "", None), ("", "x", "empty")]
