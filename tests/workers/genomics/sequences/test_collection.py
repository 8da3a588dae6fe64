from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from schemas.outputs import OutputField
from schemas.spec import Compute
from tests.support.variants import random_bases, write_fasta, write_vcf
from workers.contract import ModelCard
from workers.genomics.sequences.collection import SequencesCollection, open_collection
from workers.genomics.sequences.planning import FastaRecords, VcfRecords, open_records
from workers.genomics.sequences.settings import SequencesInput
from workers.genomics.sequences.steps import parse_steps, resolve

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


def test_a_model_whose_columns_are_of_variants_has_them_once_and_its_genes_have_to_lie_in_the_reference(
    tmp_path: Path,
) -> None:
    reference = write_fasta(tmp_path / "ref.fa", {"chr1": random_bases(100, 1)})
    vcf = write_vcf(tmp_path / "in.vcf", [("1", 5, "A", "C")])
    collection = opened(vcf, reference=str(reference))
    card = replace(CARD, settings={"alphabet": "dna", "splice_context": 8, "gene_contigs": ["2", "1"]})
    assert collection.with_steps(card, ()).outputs == card.outputs
    collection.plan("predict", (), {"m": card})
    elsewhere = replace(card, settings={**card.settings, "gene_contigs": ["2", "chr7"]})
    with pytest.raises(SpecError, match=r"model 'm': its genes lie on 2, chr7, of which input\.reference has none"):
        collection.plan("predict", (), {"m": elsewhere})


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (["both_strands"], "a splice model reads the strand of the gene"),
        ([{"window": {"length": 9}}], "window.length is 9, at a distance of 50 the model takes 109 bases"),
        ([{"splice": {"distance": 0}}], "distance"),
    ],
)
def test_steps_that_do_not_fit_a_splice_model_are_refused(steps: list[Any], told: str) -> None:
    card = replace(CARD, prepare=({"splice": {"distance": 50}},), settings={"alphabet": "dna", "splice_context": 8})
    with pytest.raises(SpecError, match=told):
        resolve(card, steps, has_variants=True)
    with pytest.raises(SpecError, match="give it a VCF and its reference"):
        resolve(card, None, has_variants=False)
    with pytest.raises(SpecError, match="splice: the model gives no splice sites"):
        resolve(CARD, [{"splice": {}}], has_variants=True)


def test_what_a_spec_leaves_out_is_as_the_author_of_a_splice_model_recommends_it() -> None:
    own = ({"window": {"edges": "refuse"}}, {"splice": {"distance": 3, "masked": True}})
    card = replace(CARD, prepare=own, settings={"alphabet": "dna", "splice_context": 8})
    found = {
        given and next(iter(given[0])): parse_steps(list(resolve(card, given, has_variants=True)))
        for given in (None, [{"window": {"edges": "pad"}}], [{"splice": {"distance": 7}}])
    }
    assert {
        name: (steps.window.edges, steps.window.length, steps.splice and steps.splice.masked)
        for name, steps in found.items()
    } == {None: ("refuse", 15, True), "window": ("pad", 15, True), "splice": ("refuse", 23, False)}
