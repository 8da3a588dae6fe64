"""The source VCF with scores in INFO, as bcftools reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pysam
import pysam.bcftools
import pytest

from cluster.storage import StorageSettings, open_store
from jobs.cli.main import main
from jobs.export.exporting import export_run
from jobs.export.vcf import VcfExport
from schemas.errors import FingerprintError, UsageError
from tests.support.runs import rows, run
from tests.support.variants import COLUMNS, HEADER, random_bases, save_kmer_bert, some_variants, write_fasta

CONTIGS = {"1": random_bases(2000, 1), "2": random_bases(400, 2)}
MORE = (
    '##INFO=<ID=DP,Number=1,Type=Integer,Description="depth">\n##FORMAT=<ID=GT,Number=1,Type=String,Description="g">\n'
)


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vcf")
    write_fasta(folder / "ref.fa", CONTIGS)
    lines = some_variants(CONTIGS, 30)
    body = "".join(f"{c}\t{p}\trs{p}\t{r}\t{a}\t5\tPASS\tDP=3\tGT\t0/1\n" for c, p, r, a in lines)
    last = CONTIGS["2"]
    odd = (("2", 395, "N", "A"), ("2", 396, last[395], "<DEL>,A"), ("2", 397, last[396], "."))
    body += "".join(f"{c}\t{p}\t.\t{r}\t{a}\t.\t.\t.\tGT\t0/1\n" for c, p, r, a in odd)
    contigs = "".join(f"##contig=<ID={name}>\n" for name in CONTIGS)
    columns = COLUMNS.rstrip("\n") + "\tFORMAT\tsample\n"
    (folder / "in.vcf").write_text(HEADER + contigs + MORE + columns + body)
    save_kmer_bert(folder / "bert", id2label={0: "Closed", 1: "Open"})
    run(spec(folder, "in.vcf", "run"))
    return folder


def spec(folder: Path, vcf: str, out: str) -> str:
    return f"""
job: predict
name: variants
input: {{collection: sequences, uri: {folder / vcf}, reference: {folder / "ref.fa"}}}
models: {{bert: {{uri: {folder / "bert"}}}}}
output: {{uri: {folder / out}}}
limits: {{max_rejects: 90%}}
compute: {{pool: serial, workers: 1, cpus_per_worker: 1, shard_records: 25}}
"""


def exported(folder: Path, to: str, **more: Any) -> Path:
    made = export_run(VcfExport(**more), open_store((folder / "run").as_uri()), str(folder / to), StorageSettings())
    return Path(made.uri.removeprefix("file://")) / "in.vcf.gz"


def test_bcftools_reads_every_record_with_the_scores_of_its_rows(scored: Path) -> None:
    path = exported(scored, "whole")
    query = "%CHROM\t%POS\t%REF\t%ALT\t%INFO/WR_score_open_delta\t%INFO/WR_status\n"
    found = [line.split("\t") for line in pysam.bcftools.query("-f", query, str(path)).splitlines()]
    source = pysam.bcftools.view("-H", str(scored / "in.vcf")).splitlines()
    assert len(found) == len(source)
    table = rows(scored / "run")
    told = [
        (chrom, int(pos), ref, alt, delta, status)
        for chrom, pos, ref, alts, deltas, statuses in found
        for alt, delta, status in zip(alts.split(","), _each(deltas, alts), _each(statuses, alts), strict=True)
    ]
    assert len(told) == len(table)
    for row, (chrom, pos, ref, alt, delta, status) in zip(table.iter_rows(named=True), told, strict=True):
        assert (row["chrom"], row["pos"], row["ref"], row["alt"]) == (chrom, pos, ref, alt)
        assert row["status"] == status or alt == "."
        if row["score_open_delta"] is None:
            assert delta == "."
        else:
            np.testing.assert_allclose(float(delta), row["score_open_delta"], rtol=1e-5)


def _each(values: str, alts: str) -> list[str]:
    return ["."] * len(alts.split(",")) if values == "." else values.split(",")


def test_what_was_in_the_file_stays_and_the_index_finds_places(scored: Path) -> None:
    path = exported(scored, "index")
    given = pysam.bcftools.view("-H", str(scored / "in.vcf")).splitlines()
    annotated = pysam.bcftools.view("-H", str(path)).splitlines()
    for before, after in zip(given, annotated, strict=True):
        old, new = before.split("\t"), after.split("\t")
        assert old[:7] + old[8:] == new[:7] + new[8:]
        assert old[7] == "." or new[7].startswith(old[7] + ";")
    assert len(pysam.bcftools.view("-H", str(path), "2").splitlines()) == 33
    assert pysam.bcftools.view("-H", str(path), "2:395-395").split("\t")[7].strip() == "WR_status=ref_mismatch"


def test_the_numbers_read_back_exactly(scored: Path) -> None:
    path = exported(scored, "exact", columns=["score_open_ref"])
    with pysam.VariantFile(str(path)) as file:
        assert [key for key in file.header.info if key.startswith("WR_")] == ["WR_score_open_ref", "WR_status"]
        values = [np.float32(value) for record in file for value in record.info.get("WR_score_open_ref", ()) if value]
    table = rows(scored / "run").filter(pl.col("status") == "ok")
    assert values == [np.float32(value) for value in table["score_open_ref"]]


def test_the_same_export_again_is_taken_as_done_and_another_is_refused(scored: Path) -> None:
    first = exported(scored, "again").read_bytes()
    assert exported(scored, "again").read_bytes() == first
    with pytest.raises(FingerprintError):
        exported(scored, "again", columns=["score_open_ref"])


def test_the_command_says_what_it_wrote(scored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["export", "vcf", str(scored / "run"), "--to", str(scored / "cli"), "--columns", "score_open_delta"]) == 0
    )
    assert "WR_score_open_delta, WR_status" in capsys.readouterr().out


def test_unsorted_and_broken_files_are_exported_without_an_index_or_the_broken_lines(scored: Path) -> None:
    header, _, body = (scored / "in.vcf").read_text().partition("sample\n")
    lines = body.splitlines()
    (scored / "odd.vcf").write_text(header + "sample\n" + "\n".join([lines[5], "1\tx\ty", "", *lines[:3]]) + "\r\n")
    run(spec(scored, "odd.vcf", "odd"))
    made = export_run(VcfExport(), open_store((scored / "odd").as_uri()), str(scored / "odd-vcf"), StorageSettings())
    assert made.files == 1
    assert [made.written.figures[name] for name in ("records", "left_out", "index")] == [4, 1, False]
    assert len(pysam.bcftools.view("-H", str(scored / "odd-vcf" / "odd.vcf.gz")).splitlines()) == 4


def test_a_long_line_without_the_columns_of_a_vcf_is_left_out(scored: Path) -> None:
    header, _, body = (scored / "in.vcf").read_text().partition("sample\n")
    lines = body.splitlines()
    long = ["1\t1\t.\t" + "A" * 300_000, "\t".join([*lines[0].split("\t")[:5], "5" * 300_000])]
    (scored / "long.vcf").write_text(header + "sample\n" + "\n".join([lines[0], *long, lines[1]]) + "\n")
    run(spec(scored, "long.vcf", "long"))
    made = export_run(VcfExport(), open_store((scored / "long").as_uri()), str(scored / "long-vcf"), StorageSettings())
    assert (made.written.figures["records"], made.written.figures["left_out"]) == (2, 2)


def test_columns_that_are_not_there_and_sources_that_were_changed_are_told(scored: Path) -> None:
    with pytest.raises(UsageError, match=r"'score_opn_ref', which is no column .* did you mean 'score_open_ref'"):
        exported(scored, "none", columns=["score_opn_ref"])
    (scored / "later.vcf").write_text((scored / "in.vcf").read_text())
    run(spec(scored, "later.vcf", "later"))
    with (scored / "later.vcf").open("a") as file:
        file.write("2\t399\t.\tA\tC\t.\t.\t.\tGT\t0/1\n")
    with pytest.raises(UsageError, match="missing or was changed"):
        export_run(VcfExport(), open_store((scored / "later").as_uri()), str(scored / "later-vcf"), StorageSettings())


def test_a_file_that_was_annotated_is_not_annotated_again(scored: Path) -> None:
    path = exported(scored, "once")
    run(spec(scored, str(path.relative_to(scored)), "twice"))
    with pytest.raises(UsageError, match="has INFO WR_score_closed_ref already"):
        export_run(VcfExport(), open_store((scored / "twice").as_uri()), str(scored / "twice-vcf"), StorageSettings())
