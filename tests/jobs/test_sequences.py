"""Variants through whole runs: scores are transformers' own on the reference and on ALT, whatever the shards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pysam.bcftools
import pytest

from schemas.errors import SpecError
from tests.support.runs import rows, run
from tests.support.seaweed import S3
from tests.support.sequence_oracle import bert_tokens, cnn_scores, esm_tokens, logits, reverse_complement, windows
from tests.support.variants import (
    kmer_words,
    random_bases,
    save_cnn,
    save_esm,
    save_kmer_bert,
    some_variants,
    write_fasta,
    write_vcf,
)

CONTIGS = {"chr1": random_bases(1500, 1, "ACGTacgt"), "chr2": random_bases(300, 2)}
BAD = [
    ("1", 100, "N", "A"),
    ("1", 100, CONTIGS["chr1"][99].upper(), "<DEL>"),
    ("1", 9999, "A", "C"),
    ("7", 5, "A", "C"),
    ("1", 300, CONTIGS["chr1"][299].upper(), "A" * 40),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sequences")
    write_fasta(folder / "ref.fa", CONTIGS)
    lines = [(name.removeprefix("chr"), *rest) for name, *rest in some_variants(CONTIGS, 30)]
    write_vcf(folder / "in.vcf", [*lines, *BAD])
    save_kmer_bert(folder / "bert", id2label={0: "Closed", 1: "Open"})
    save_esm(folder / "esm", kmer_words())
    save_cnn(folder / "cnn")
    return folder


def spec(folder: Path, out: Path, shard_records: int = 1000, models: str = "bert", more: str = "") -> str:
    listed = ", ".join(f"{name}: {{uri: {folder / name}}}" for name in models.split())
    return f"""
job: predict
name: variants
input: {{collection: sequences, uri: {folder / "in.vcf"}, reference: {folder / "ref.fa"}}}
models: {{{listed}}}
output: {{uri: {out}}}
limits: {{max_rejects: 60%}}
compute: {{pool: serial, workers: 1, cpus_per_worker: 1, shard_records: {shard_records}}}
{more}
"""


def softmax(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    powers = np.exp(x - x.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True))


def cut(table: pl.DataFrame, length: int) -> tuple[list[str], list[str]]:
    found = [
        windows(CONTIGS["chr" + row["chrom"]], row["pos"], row["ref"], row["alt"], length)
        for row in table.iter_rows(named=True)
    ]
    return [ref for ref, _ in found], [alt for _, alt in found]


def test_scores_are_those_of_transformers_on_ref_and_alt_whatever_the_shards(folder: Path, tmp_path: Path) -> None:
    small, large = tmp_path / "small", tmp_path / "large"
    run(spec(folder, small, 7, "bert esm", "prepare: [{window: {length: 48}}]"))
    run(spec(folder, large, 1000, "bert esm", "prepare: [{window: {length: 48}}]"))
    tables = rows(small), rows(large)
    assert tables[0].drop(pl.selectors.float()).equals(tables[1].drop(pl.selectors.float()))
    kept = tables[1].filter(pl.col("status") == "ok")
    ref, alt = cut(kept.filter(pl.col("bert__status") == "ok"), 48)
    tokens = bert_tokens(folder / "bert")
    wanted = softmax(logits(folder / "bert", tokens, ref)), softmax(logits(folder / "bert", tokens, alt))
    for table in tables:
        good = table.filter(pl.col("bert__status") == "ok")
        assert len(good) > 60
        for label, name in enumerate(("closed", "open")):
            for side, values in zip(("ref", "alt"), wanted, strict=True):
                np.testing.assert_allclose(good[f"bert__score_{name}_{side}"].to_numpy(), values[:, label], atol=1e-5)
            delta = (wanted[1] - wanted[0])[:, label]
            np.testing.assert_allclose(good[f"bert__score_{name}_delta"].to_numpy(), delta, atol=1e-5)
    good = tables[0].filter(pl.col("esm__status") == "ok")
    ref, alt = cut(good, 48)
    for side, sequences in (("ref", ref), ("alt", alt)):
        values = logits(folder / "esm", esm_tokens(folder / "esm"), sequences)[:, 0]
        np.testing.assert_allclose(good[f"esm__score_label_0_{side}"].to_numpy(), values, atol=1e-5)


def test_both_strands_are_averaged_where_asked(folder: Path, tmp_path: Path) -> None:
    run(spec(folder, tmp_path / "out", more="prepare: [{window: {length: 40}}, both_strands]"))
    good = rows(tmp_path / "out").filter(pl.col("status") == "ok")
    tokens = bert_tokens(folder / "bert")
    for side, sequences in zip(("ref", "alt"), cut(good, 40), strict=True):
        both = [
            softmax(logits(folder / "bert", tokens, strand))
            for strand in (sequences, [reverse_complement(bases) for bases in sequences])
        ]
        np.testing.assert_allclose(good[f"score_open_{side}"].to_numpy(), np.mean(both, 0)[:, 1], atol=1e-5)


@pytest.mark.parametrize("more", ["", "prepare: [both_strands]"])
def test_a_network_that_shares_work_scores_as_it_does_window_by_window(folder: Path, tmp_path: Path, more: str) -> None:
    run(spec(folder, tmp_path / "small", 9, "cnn", more))
    run(spec(folder, tmp_path / "large", 1000, "cnn", more))
    for out in ("small", "large"):
        good = rows(tmp_path / out).filter(pl.col("status") == "ok")
        assert len(good) > 100
        for side, sequences in zip(("ref", "alt"), cut(good, 89), strict=True):
            wanted = cnn_scores(folder / "cnn", sequences)
            if more:
                wanted = (wanted + cnn_scores(folder / "cnn", [reverse_complement(bases) for bases in sequences])) / 2
            for label, name in enumerate(("acceptor", "donor")):
                np.testing.assert_allclose(good[f"score_{name}_{side}"].to_numpy(), wanted[:, label], atol=1e-5)


def test_models_with_windows_of_their_own_lengths_score_together_as_they_do_alone(folder: Path, tmp_path: Path) -> None:
    run(spec(folder, tmp_path / "both", models="bert cnn"))
    both = rows(tmp_path / "both")
    for name in ("bert", "cnn"):
        run(spec(folder, tmp_path / name, models=name))
        alone = rows(tmp_path / name)
        for column in alone.select(pl.selectors.float()).columns:
            together = both[f"{name}__{column}"]
            assert together.is_null().equals(alone[column].is_null())
            np.testing.assert_allclose(
                together.drop_nulls().to_numpy(), alone[column].drop_nulls().to_numpy(), atol=1e-5
            )


def test_every_allele_has_its_row_and_what_cannot_be_scored_says_why(folder: Path, tmp_path: Path) -> None:
    run(spec(folder, tmp_path / "out"))
    table = rows(tmp_path / "out")
    assert table["record_id"].n_unique() == len(table)
    assert table.tail(5)["status"].to_list() == [
        "ref_mismatch", "unsupported", "ref_mismatch", "ref_mismatch", "out_of_contract",
    ]  # fmt: skip
    assert table.tail(5)["detail"].to_list() == [
        "REF is not what the reference has there",
        "the allele is symbolic",
        "the position lies outside of its contig",
        "the reference has no contig of this name",
        "an allele does not fit into the 30 bases from its place on",
    ]
    assert table.filter(pl.col("status") != "ok")["score_open_delta"].is_null().all()
    assert table.columns[4:9] == ["chrom", "pos", "id", "ref", "alt"]


def test_a_bcf_is_scored_as_the_vcf_that_it_was_made_of(folder: Path, tmp_path: Path) -> None:
    text = (folder / "in.vcf").read_text()
    names = dict.fromkeys(line.split("\t")[0] for line in text.splitlines() if not line.startswith("#"))
    declared = "".join(f"##contig=<ID={name}>\n" for name in names)
    (folder / "declared.vcf").write_text(text.replace("#CHROM", declared + "#CHROM", 1))
    source, bcf = str(folder / "declared.vcf"), str(folder / "in.bcf")
    pysam.bcftools.view("-Ob", "-o", bcf, source, catch_stdout=False)
    run(spec(folder, tmp_path / "vcf"))
    run(spec(folder, tmp_path / "bcf").replace("in.vcf", "in.bcf"))
    of_bcf, of_vcf = rows(tmp_path / "bcf"), rows(tmp_path / "vcf")
    # What is out of order has the number of its line, or of its record.
    numbered = of_vcf["record_id"].str.contains("@")
    assert of_bcf.filter(~numbered)["record_id"].equals(of_vcf.filter(~numbered)["record_id"])
    assert of_bcf.drop("record_id").equals(of_vcf.drop("record_id"))


def test_a_window_over_the_end_of_a_contig_is_filled_or_refused(folder: Path, tmp_path: Path) -> None:
    run(spec(folder, tmp_path / "pad"))
    run(spec(folder, tmp_path / "refuse", more="prepare: [{window: {edges: refuse}}]"))
    padded, refused = rows(tmp_path / "pad"), rows(tmp_path / "refuse")
    near = (pl.col("status") == "ok") & (pl.col("pos") < 30)
    edge = padded.filter(near)["record_id"].to_list()
    assert edge
    told = refused.filter(pl.col("record_id").is_in(edge))
    assert set(told["detail"].to_list()) == {"the window reaches over the end of its contig"}


def test_the_same_run_from_s3(folder: Path, tmp_path: Path, s3: S3, bucket_prefix: str) -> None:
    store = s3.store(bucket_prefix.rpartition("/")[2])
    for name in ("in.vcf", "ref.fa", "ref.fa.fai"):
        store.put(name, (folder / name).read_bytes(), {})
    text = spec(folder, tmp_path / "s3").replace(f"uri: {folder}/in.vcf", f"uri: {bucket_prefix}/in.vcf")
    text = text.replace(f"{folder}/ref.fa", f"{bucket_prefix}/ref.fa")
    run(text + f"storage: {{endpoint_url: {s3.endpoint_url}}}\n")
    run(spec(folder, tmp_path / "disk"))
    assert rows(tmp_path / "s3").equals(rows(tmp_path / "disk"))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ("prepare: [{window: {length: 61}}]", r"window\.length is 61, the model takes at most 60 bases"),
        ("prepare: [{windows: {length: 60}}]", r"unknown step 'windows', did you mean 'window'\?"),
        ("prepare: [{window: {lenght: 60}}]", r"unknown key 'lenght', did you mean 'length'\?"),
    ],
)
def test_steps_that_do_not_fit_are_refused_before_anything_is_planned(
    folder: Path, tmp_path: Path, changed: str, told: str
) -> None:
    with pytest.raises(SpecError, match=told):
        run(spec(folder, tmp_path / "out", more=changed))
    assert not (tmp_path / "out" / "run.json").exists()


def test_a_vcf_without_a_reference_is_refused(folder: Path, tmp_path: Path) -> None:
    text = spec(folder, tmp_path / "out").replace(f", reference: {folder / 'ref.fa'}", "")
    with pytest.raises(SpecError, match="a VCF needs it"):
        run(text)
