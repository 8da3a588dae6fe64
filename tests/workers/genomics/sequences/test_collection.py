from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from cluster.storage import StorageSettings
from schemas.outputs import OutputField
from schemas.spec import Compute
from tests.support.variants import random_bases, write_fasta, write_vcf
from workers.contract import ModelCard
from workers.genomics.sequences.collection import SequencesCollection, open_collection
from workers.genomics.sequences.planning import FastaRecords, VcfRecords, open_records
from workers.genomics.sequences.settings import SequencesInput

CARD = ModelCard(
    "sequence-cnn", (OutputField(name="s", type="float32", meaning="m"),), settings={"alphabet": "dna", "longest": 9}
)


def opened(uri: Path, **settings: Any) -> SequencesCollection:
    source = SequencesInput.model_validate({"collection": "sequences", "uri": str(uri), **settings})
    return open_collection(source, StorageSettings(), Compute())


def rows(collection: SequencesCollection) -> list[dict[str, Any]]:
    plan = collection.plan("predict", (), {})
    return [row for batch in plan.batches() for row in batch.to_pylist()]


def table_of(collection: SequencesCollection) -> pa.Table:
    return pa.Table.from_batches(list(collection.plan("predict", (), {}).batches()))


def test_of_a_vcf_every_alt_is_a_record_and_every_output_is_there_three_times(tmp_path: Path) -> None:
    bases = random_bases(100, 1)
    reference = write_fasta(tmp_path / "ref.fa", {"chr1": bases})
    vcf = write_vcf(
        tmp_path / "in.vcf", [("1", 5, bases[4], "A,C,G,T".replace(bases[4] + ",", "")), ("9", 1, "A", "C")]
    )
    collection = opened(vcf, reference=str(reference))
    assert isinstance(open_records(collection.source, StorageSettings()), VcfRecords)
    names = [row["record_id"] for row in rows(collection)]
    assert names[-1] == "9:1:A:C"
    assert len(names) >= 4
    assert len(set(names)) == len(names)
    assert [field.name for field in collection.with_steps(CARD, ()).outputs] == ["s_ref", "s_alt", "s_delta"]
    assert collection.prepare(CARD, None)[0]["window"]["length"] == 9
    looked = collection.look([table_of(collection)])
    assert (looked["contigs"], looked["contigs_not_in_reference"]) == (2, 1)


def test_of_a_fasta_every_sequence_is_a_record_with_its_size_and_outputs_stay(tmp_path: Path) -> None:
    path = write_fasta(tmp_path / "in.fa", {"one": random_bases(70, 1), "two": "ACGT"})
    collection = opened(path)
    assert isinstance(open_records(collection.source, StorageSettings()), FastaRecords)
    found = rows(collection)
    assert [row["record_id"] for row in found] == ["one", "two"]
    assert collection.with_steps(CARD, ()) is CARD
    assert collection.look([table_of(collection)])["largest_bytes"] == max(row["size"] for row in found)
