"""What of a table of sequences becomes a record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from workers.genomics.sequences.settings import SequencesInput
from workers.genomics.sequences.tables import SequenceTable


def table_of(path: Path, **settings: Any) -> SequenceTable:
    source = SequencesInput.model_validate({"collection": "sequences", "uri": str(path), "record_id": "id", **settings})
    return SequenceTable(source, StorageSettings())


def test_an_empty_field_of_csv_is_null_without_quotes_and_empty_text_with_them(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text('id,sequence,note\nNA,ACG,\nb,"",""\nc,,"two\nlines"\n')
    (found,) = table_of(path, sequence="sequence", carry=["note"]).planned()
    assert found["record_id"].to_pylist() == ["NA", "b", "c"]
    assert found["note"].to_pylist() == [None, "", "two\nlines"]


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("id,sequence,id\na,ACG,b\n")
    with pytest.raises(SpecError, match="two columns 'id'"):
        list(table_of(path, sequence="sequence").planned())
