from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.storage import open_store
from schemas.errors import SpecError
from schemas.status import Status
from workers.molecules.parquet_file import check_columns, parquet_molecules
from workers.molecules.record import Molecule
from workers.molecules.settings import MoleculesInput


def read(folder: Path, columns: dict[str, Any], **settings: Any) -> list[Molecule]:
    pq.write_table(pa.table(columns), folder / "in.parquet", row_group_size=2)
    store = open_store(str(folder))
    (info,) = (info for info in store.list() if info.key == "in.parquet")
    source = MoleculesInput.model_validate({"collection": "molecules", "uri": str(folder), **settings})
    return list(parquet_molecules(store, info, source))


@pytest.mark.parametrize(
    "smiles",
    [
        pa.array(["CCO", None, "", "C"]),
        pa.array(["CCO", None, "", "C"], pa.large_string()),
        pa.array([b"CCO", None, b"", b"C"]),
        pa.array(["CCO", None, "", "C"]).dictionary_encode(),
    ],
    ids=["text", "large", "bytes", "dictionary"],
)
def test_a_row_is_a_molecule_named_by_its_place(tmp_path: Path, smiles: pa.Array) -> None:
    found = read(tmp_path, {"smiles": smiles})
    assert [(one.record_id, one.smiles, one.fault) for one in found] == [
        ("in.parquet#0", "CCO", None),
        ("in.parquet#1", None, Status.EMPTY),
        ("in.parquet#2", None, Status.EMPTY),
        ("in.parquet#3", "C", None),
    ]


def test_ids_of_numbers_become_text_and_what_is_carried_keeps_its_type(tmp_path: Path) -> None:
    columns = {"s": ["C"], "id": [7], "patient": pa.array(["p"]).dictionary_encode(), "dose": [1.5]}
    (found,) = read(tmp_path, columns, smiles="s", record_id="id", subject_id="patient", carry=["dose"])
    assert (found.record_id, found.subject_id, found.carried) == ("7", "p", (1.5,))


def test_text_that_is_no_utf8_is_known(tmp_path: Path) -> None:
    broken = pa.Array.from_buffers(pa.string(), 1, [None, *pa.array([b"C\xff"]).buffers()[1:]])
    (found,) = read(tmp_path, {"smiles": broken})
    assert (found.smiles, found.fault) == (None, Status.UNREADABLE)
    with pytest.raises(SpecError, match=r"column 'id' of a file of input\.uri cannot be read as text"):
        read(tmp_path, {"smiles": ["C"], "id": broken}, record_id="id")


def test_a_column_that_is_lacking_is_named_with_the_nearest_and_smiles_are_text() -> None:
    schema = pa.schema({"smile": pa.string(), "mass": pa.float64()})
    with pytest.raises(SpecError, match=r"no column 'smiles'.*smile.*It has smile, mass"):
        check_columns(schema, ["smiles"], "smiles")
    with pytest.raises(SpecError, match=r"column 'mass' of a file of input\.uri is double: SMILES are text"):
        check_columns(schema, ["mass"], "mass")
