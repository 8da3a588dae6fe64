from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from tests.support.variants import random_bases, write_fasta
from workers.genomics.sequences.planning import TableRecords, open_records
from workers.genomics.sequences.settings import SequencesInput


def source(uri: Path, **settings: Any) -> SequencesInput:
    return SequencesInput.model_validate({"collection": "sequences", "uri": str(uri), **settings})


def test_of_a_table_every_row_is_a_record_and_what_is_carried_comes_along(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    pl.DataFrame({"record_id": ["a", "b"], "sequence": ["ACG", "T"], "dose": [1.5, None]}).write_parquet(path)
    records = open_records(source(path, carry=["dose"]), StorageSettings())
    assert isinstance(records, TableRecords)
    (batch,) = records.batches()
    assert batch.select(["record_id", "dose"]).to_pylist() == [
        {"record_id": "a", "dose": 1.5},
        {"record_id": "b", "dose": None},
    ]
    assert records.carry == ("dose",)
    assert records.look([]) == {"columns": "record_id, sequence, dose"}


def test_a_vcf_that_is_not_there_is_told(tmp_path: Path) -> None:
    reference = write_fasta(tmp_path / "ref.fa", {"1": random_bases(100, 1)})
    records = open_records(source(tmp_path / "none.vcf", reference=str(reference)), StorageSettings())
    with pytest.raises(SpecError, match=r"input\.uri names a file that is not there"):
        list(records.batches())
