from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pysam
import pysam.bcftools
import pytest

from cluster.storage import open_store
from schemas.errors import UsageError, VerificationError
from workers.genomics.sequences.annotating import Annotated, InfoField, Row, annotate

HEAD = b"##fileformat=VCFv4.2\n##contig=<ID=1>\n"
COLUMNS = b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tp\n"
FIELD = InfoField("S", "Float", 'a "score"')


def annotated(folder: Path, body: bytes, rows: list[Row], header: tuple[str, ...] = ()) -> tuple[bytes, Annotated]:
    (folder / "in.vcf").write_bytes(HEAD + COLUMNS + body)
    given: Iterator[Row] = iter(rows)
    made = annotate(open_store(str(folder)), "in.vcf", given, [FIELD], header, folder / "out.vcf.gz")
    return gzip.decompress((folder / "out.vcf.gz").read_bytes()), made


def test_scores_join_info_and_every_other_byte_stays(tmp_path: Path) -> None:
    body = (
        b"1\t5\trs1\tA\tC,G\t.\t.\tDP=3;X\tGT\t0/1\n"
        b"1\t7\t.\tA\tC\t.\t.\t.\tGT\t0/0\n"
        b"1\t9\t.\tA\t.\t.\t.\tDP=1\tGT\t0/0\n"
        b"1\t9\t.\tA\tT\t.\t.\tDP=1\tGT\t0/0\n"
    )
    rows: list[Row] = [(4, True, ["0.5"]), (4, True, [None]), (5, True, ["-1"]), (6, True, ["2"]), (7, True, [None])]
    found, made = annotated(tmp_path, body, rows, ("source=us",))
    assert found == (
        HEAD + b'##INFO=<ID=S,Number=A,Type=Float,Description="a \\"score\\"">\n##source=us\n' + COLUMNS
        + b"1\t5\trs1\tA\tC,G\t.\t.\tDP=3;X;S=0.5,.\tGT\t0/1\n"
        + b"1\t7\t.\tA\tC\t.\t.\tS=-1\tGT\t0/0\n"
        + b"1\t9\t.\tA\t.\t.\t.\tDP=1\tGT\t0/0\n"
        + b"1\t9\t.\tA\tT\t.\t.\tDP=1\tGT\t0/0\n"
    )  # fmt: skip
    assert made == Annotated(records=4, left_out=0, is_sorted=True)
    with pysam.VariantFile(str(tmp_path / "out.vcf.gz")) as read:
        assert [record.pos for record in read.fetch("1", 5, 8)] == [7]


def test_lines_that_are_no_records_are_left_out_and_an_unsorted_file_has_no_index(tmp_path: Path) -> None:
    body = b"1\t9\t.\tA\tC\t.\t.\t.\tGT\t0/1\nnonsense\n\n1\t5\t.\tA\tC\t.\t.\t.\tGT\t0/1"
    found, made = annotated(tmp_path, body, [(4, True, ["1"]), (5, False, [None]), (7, True, ["2"])])
    assert found.splitlines()[-2:] == [
        b"1\t9\t.\tA\tC\t.\t.\tS=1\tGT\t0/1",
        b"1\t5\t.\tA\tC\t.\t.\tS=2\tGT\t0/1",
    ]
    assert made == Annotated(records=2, left_out=1, is_sorted=False)


def test_a_file_that_was_annotated_before_or_is_another_one_is_refused(tmp_path: Path) -> None:
    line = b"1\t5\t.\tA\tC\t.\t.\t.\tGT\t0/1\n"
    with pytest.raises(VerificationError, match="is not the one that was scored"):
        annotated(tmp_path, line, [(9, True, ["1"])])
    (tmp_path / "in.vcf").write_bytes(HEAD + FIELD.header + COLUMNS + line)
    store = open_store(str(tmp_path))
    with pytest.raises(UsageError, match="has INFO S already"):
        annotate(store, "in.vcf", iter([(5, True, ["1"])]), [FIELD], (), tmp_path / "out.vcf.gz")
    with pytest.raises(UsageError, match="'a b' cannot be a key of INFO"):
        annotate(store, "in.vcf", iter([]), [InfoField("a b", "Float", "m")], (), tmp_path / "out.vcf.gz")


def test_records_of_bcf_become_the_lines_that_bcftools_makes_of_them(tmp_path: Path) -> None:
    records = b"1\t5\trs1\tA\tC,G\t.\t.\tDP=3\tGT\t0/1\n1\t7\t.\tA\tC\t.\t.\t.\tGT\t0/0\n"
    declared = (
        b'##INFO=<ID=DP,Number=1,Type=Integer,Description="d">\n##FORMAT=<ID=GT,Number=1,Type=String,Description="g">\n'
    )
    (tmp_path / "text.vcf").write_bytes(HEAD + declared + COLUMNS + records)
    pysam.bcftools.view("--no-version", "-Ob", "-o", f"{tmp_path}/in.bcf", f"{tmp_path}/text.vcf", catch_stdout=False)
    rows: list[Row] = [(1, True, ["0.5"]), (1, True, [None]), (2, True, ["-1"])]
    made = annotate(open_store(str(tmp_path)), "in.bcf", iter(rows), [FIELD], (), tmp_path / "out.vcf.gz")
    assert made == Annotated(records=2, left_out=0, is_sorted=True)
    *header, first, second = gzip.decompress((tmp_path / "out.vcf.gz").read_bytes()).splitlines(keepends=True)
    assert first == b"1\t5\trs1\tA\tC,G\t.\t.\tDP=3;S=0.5,.\tGT\t0/1\n"
    assert second == b"1\t7\t.\tA\tC\t.\t.\tS=-1\tGT\t0/0\n"
    told = pysam.bcftools.view("-h", "--no-version", f"{tmp_path}/in.bcf").encode().splitlines(keepends=True)
    assert [line for line in header if not line.startswith(b"##INFO=<ID=S,")] == told


def test_a_damaged_record_of_bcf_is_left_out_and_the_others_keep_their_scores(tmp_path: Path) -> None:
    text = HEAD + b'##FORMAT=<ID=GT,Number=1,Type=String,Description="g">\n' + COLUMNS
    (tmp_path / "text.vcf").write_bytes(text + b"".join(b"1\t%d\t.\tA\tC\t.\t.\t.\tGT\t0/1\n" % n for n in range(5, 9)))
    pysam.bcftools.view("-Ob", "-o", f"{tmp_path}/in.bcf", f"{tmp_path}/text.vcf", catch_stdout=False)
    body = bytearray(gzip.decompress((tmp_path / "in.bcf").read_bytes()))
    # The contig of the third record is none of the header's.
    last = len(body)
    size = (last - 9 - int.from_bytes(body[5:9], "little")) // 4
    body[last - 2 * size + 8] = 77
    (tmp_path / "in.bcf").write_bytes(body)
    rows: list[Row] = [(number, number != 3, [str(number)]) for number in range(1, 5)]
    made = annotate(open_store(str(tmp_path)), "in.bcf", iter(rows), [FIELD], (), tmp_path / "out.vcf.gz")
    assert (made.records, made.left_out) == (3, 1)
    found = gzip.decompress((tmp_path / "out.vcf.gz").read_bytes()).splitlines()[-3:]
    assert [line.split(b"\t")[7] for line in found] == [b"S=1", b"S=2", b"S=4"]
