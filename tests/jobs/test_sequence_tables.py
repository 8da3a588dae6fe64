"""Tables and FASTA files of sequences through whole runs: scores and vectors are transformers' own."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import polars as pl
import pysam
import pytest

from schemas.errors import SpecError
from tests.support.runs import rows, run
from tests.support.sequence_oracle import bert_tokens, cnn_scores, esm_tokens, logits, states
from tests.support.variants import ESM_LETTERS, edit_card, random_bases, save_cnn, save_esm, save_kmer_bert

PROTEINS = [random_bases(int(n), i, "ACDEFGHIKLMNPQRSTVWYX") for i, n in enumerate(np.linspace(1, 38, 30))]
ODD = ["", "mkv", "M" * 39, "MK V", None]
DNA = [random_bases(int(n), i + 50, "ACGTacgtn") for i, n in enumerate(np.linspace(3, 60, 20))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tables")
    ids = [f"p{i}" for i in range(len(PROTEINS) + len(ODD))]
    table = pl.DataFrame({"name": ids, "protein": [*PROTEINS, *ODD], "n": range(len(ids))})
    table.write_parquet(folder / "proteins.parquet", row_group_size=9)
    table.write_csv(folder / "proteins.csv")
    (folder / "proteins.tsv.gz").write_bytes(gzip.compress(table.write_csv(separator="\t").encode()))
    fasta = "".join(f">s{i} text\n" + "\n".join([s[:40], s[40:]]) + "\n\n" for i, s in enumerate(DNA))
    (folder / "dna.fa").write_text(fasta + ">\nACGT\n>empty\n>long\n" + "A" * 200)
    pysam.tabix_compress(str(folder / "dna.fa"), str(folder / "dna.fa.gz"))
    save_esm(folder / "esm", ESM_LETTERS, eos=True)
    save_esm(folder / "vectors", ESM_LETTERS, head="", eos=True)
    edit_card(folder / "vectors", format="sequence-embedding", pooling=["mean", "cls"], normalize=False)
    save_kmer_bert(folder / "bert")
    save_cnn(folder / "cnn")
    return folder


def spec(folder: Path, out: Path, given: str, models: str, shard_records: int = 1000, more: str = "") -> str:
    listed = ", ".join(f"{name}: {{uri: {folder / name}}}" for name in models.split())
    return f"""
job: predict
name: sequences
input: {{collection: sequences, uri: {folder}/{given}}}
models: {{{listed}}}
output: {{uri: {out}}}
limits: {{max_rejects: 60%}}
compute: {{pool: serial, workers: 1, cpus_per_worker: 1, shard_records: {shard_records}}}
{more}
"""


NAMED = ", record_id: name, sequence: protein"


@pytest.mark.parametrize(
    ("given", "shard_records"),
    [("proteins.parquet", 7), ("proteins.parquet", 1000), ("proteins.csv", 10), ("proteins.tsv.gz", 1000)],
)
def test_a_table_of_proteins_scores_as_transformers_does(
    folder: Path, tmp_path: Path, given: str, shard_records: int
) -> None:
    run(spec(folder, tmp_path / "out", f"{given}{NAMED}, carry: [n]", "esm vectors", shard_records))
    table = rows(tmp_path / "out")
    assert table["status"].tail(5).to_list() == ["empty", "ok", "ok", "ok", "empty"]
    assert table["esm__status"].tail(5).to_list() == ["empty", "ok", "out_of_contract", "out_of_contract", "empty"]
    assert [str(n) for n in table["n"]] == [str(n) for n in range(len(table))]
    # Small letters stay what they are: to transformers they are other tokens.
    sequences = [*PROTEINS, "mkv"]
    good = table.filter(pl.col("esm__status") == "ok")
    tokens = esm_tokens(folder / "esm")
    np.testing.assert_allclose(
        good["esm__score_label_0"].to_numpy(), logits(folder / "esm", tokens, sequences)[:, 0], atol=1e-5
    )
    for vector, state in zip(good["vectors__embedding"], states(folder / "vectors", tokens, sequences), strict=True):
        np.testing.assert_allclose(vector.to_numpy(), np.concatenate([state[0], state.mean(0)]), atol=1e-5)


@pytest.mark.parametrize("given", ["dna.fa", "dna.fa.gz"])
def test_a_fasta_gives_a_row_a_record(folder: Path, tmp_path: Path, given: str) -> None:
    pysam.faidx(str(folder / "dna.fa.gz"))
    run(spec(folder, tmp_path / "out", given, "bert", 8))
    table = rows(tmp_path / "out")
    assert table["record_id"].to_list() == [*(f"s{i}" for i in range(20)), f"{given}#21", "empty", "long"]
    assert table["status"].tail(3).to_list() == ["ok", "empty", "out_of_contract"]
    good = table.filter(pl.col("status") == "ok")
    raw = logits(folder / "bert", bert_tokens(folder / "bert"), [*(s.upper() for s in DNA), "ACGT"])
    np.testing.assert_allclose(good["score_label_1"].to_numpy(), 1 / (1 + np.exp(raw[:, 0] - raw[:, 1])), atol=1e-5)


def test_a_network_of_fixed_length_takes_sequences_of_that_length_alone(folder: Path, tmp_path: Path) -> None:
    sequences = [random_bases(89, 1), random_bases(89, 2, "ACGTN"), random_bases(88, 3)]
    pl.DataFrame({"record_id": ["a", "b", "c"], "sequence": sequences}).write_parquet(folder / "fixed.parquet")
    run(spec(folder, tmp_path / "out", "fixed.parquet", "cnn"))
    table = rows(tmp_path / "out")
    assert table["status"].to_list() == ["ok", "ok", "out_of_contract"]
    np.testing.assert_allclose(
        table["score_donor"].to_numpy()[:2], cnn_scores(folder / "cnn", sequences[:2])[:, 1], atol=1e-5
    )


@pytest.mark.parametrize(
    ("given", "models", "more", "told"),
    [
        (f"proteins.csv{NAMED}, carry: [m]", "esm", "", "the table has no column 'm'"),
        ("proteins.csv, record_id: nam, sequence: protein", "esm", "", "no column 'nam', did you mean 'name'"),
        ("proteins.parquet, record_id: name, sequence: n", "esm", "", "column 'n' of the table is no text"),
        (f"proteins.csv{NAMED}", "esm", "prepare: [both_strands]", "a protein has no other strand"),
        (f"proteins.csv{NAMED}", "esm", "prepare: [{window: {length: 9}}]", "whole sequences are not cut"),
        ("proteins.txt", "esm", "", "name the format"),
        ("nothing.fa", "bert", "", "a file that is not there"),
        ("dna.fa, reference: x.fa", "bert", "", "a VCF needs it, nothing else has one"),
        ("dna.fa, carry: [n]", "bert", "", "carry names a column of a table"),
        ("proteins.csv, format: fasta", "esm", "", "it is no FASTA"),
        ("dna.fa, format: parquet", "bert", "", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_told_before_anything_is_planned(
    folder: Path, tmp_path: Path, given: str, models: str, more: str, told: str
) -> None:
    with pytest.raises(SpecError, match=told):
        run(spec(folder, tmp_path / "out", given, models, more=more))
    assert not (tmp_path / "out" / "run.json").exists()
