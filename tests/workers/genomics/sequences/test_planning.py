from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from tests.support.variants import random_bases, write_fasta, write_vcf
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


def test_an_index_of_another_reference_is_refused_before_a_variant_is_planned(tmp_path: Path) -> None:
    reference = write_fasta(tmp_path / "ref.fa", {"1": random_bases(100, 1), "2": random_bases(100, 2)})
    vcf = write_vcf(tmp_path / "in.vcf", [("1", 5, "A", "C"), ("chr2", 5, "A", "C"), ("7", 1, "A", "C")])
    records = open_records(source(vcf, reference=str(reference)), StorageSettings())
    assert sum(batch.num_rows for batch in records.batches()) == 3
    index = Path(f"{reference}.fai")
    (first, second) = index.read_text().splitlines()
    index.write_text(f"{first}\n2\t{first.split(chr(9), 1)[1]}\n")
    assert second.split("\t")[2] != first.split("\t")[2]
    with pytest.raises(SpecError, match="contig '2' does not begin or end where it says so; make it anew"):
        list(records.batches())
