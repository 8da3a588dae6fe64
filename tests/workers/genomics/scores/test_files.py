"""Scoring files in the forms that people have them in."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import SpecError
from workers.genomics.scores.files import read_all, read_scores, score_files, score_names
from workers.genomics.scores.sheet import ScoreSheet
from workers.genomics.scores.text import TextTable

CATALOG = """###PGS CATALOG SCORING FILE - see https://www.pgscatalog.org/downloads/#dl_ftp_scoring
#format_version=2.0
##POLYGENIC SCORE (PGS) INFORMATION
#pgs_id=PGS000001
#pgs_name=PRS77_BC
#trait_reported=Breast Cancer
#genome_build=NR
#variants_number=77
#weight_type=NR
##SOURCE INFORMATION
#citation=Mavaddat N et al. J Natl Cancer Inst (2015). doi:10.1093/jnci/djv036
##HARMONIZATION DETAILS
#HmPOS_build=GRCh38
#HmPOS_match_chr={"True": null, "False": null}
rsID\tchr_name\teffect_allele\tother_allele\teffect_weight\tlocus_name\thm_source\thm_rsID\thm_chr\thm_pos\thm_inferOtherAllele
rs78540526\t11\tT\tC\t0.16220387987485377\tCCND1\tENSEMBL\trs78540526\t11\t69516650\t\t
rs75915166\t11\tA\tC\t0.023631904\tCCND1\tENSEMBL\trs75915166\t11\t69564393
"""


def put(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_harmonised_file_of_the_catalog_gives_its_harmonised_positions(tmp_path: Path) -> None:
    sheet = read_scores(put(tmp_path, "any_name.txt.gz", gzip.compress(CATALOG.encode())), "GRCh38")
    assert (sheet.name, sheet.scores, sheet.build) == ("PGS000001", ("PGS000001",), "GRCh38")
    assert sheet.rows.select("row_nr", "chrom", "pos", "id", "effect", "other").rows() == [
        (0, "11", 69516650, "rs78540526", "T", "C"),
        (1, "11", 69564393, "rs75915166", "A", "C"),
    ]
    assert sheet.weights[:, 0].tolist() == [0.16220387987485377, 0.023631904]


def test_what_the_header_says_of_the_number_of_variants_is_not_believed_and_told_where_it_is_wrong(
    tmp_path: Path,
) -> None:
    names = score_names(put(tmp_path, "a.txt", CATALOG))
    assert names.header.variants_number == 77
    sheet = read_scores(tmp_path / "a.txt")
    assert sheet.rows.height == 2
    assert sheet.warning == "its header says 77 variants, and it has 2 rows"


def test_a_table_of_many_weights_is_many_scores_on_the_same_rows(tmp_path: Path) -> None:
    put(tmp_path, "layout.yaml", "weights: [height, bmi]")
    sheet = read_scores(put(tmp_path, "w.csv", "chr,pos,A1,A2,height,bmi\n1,10,a,g,0.5,\n1,20,C,T,,2\n1,30,C,T,NA,\n"))
    assert (sheet.name, sheet.scores) == ("w", ("height", "bmi"))
    np.testing.assert_array_equal(sheet.weights, [[0.5, np.nan], [np.nan, 2.0], [np.nan, np.nan]])
    assert sheet.rows["excluded"].to_list() == [None, None, "no_weight"]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffID A1 BETA\nrs1 A 0.5\nrs2 C -1\n",
        "ID A1 BETA\nrs1 A 0.5\nrs2  C\t-1\n",
        "#ID\tA1\tBETA\nrs1\tA\t0.5\nrs2\tC\t-1\n",
        "rs1 A 0.5\nrs2 C -1\n",
        '"ID","A1","weight"\n"rs1","A","0.5"\n"rs2","C","-1"\n',
    ],
    ids=["byte-order-mark", "blanks", "header-with-hash", "no-header", "quoted"],
)
def test_tables_as_plink_takes_them_are_matched_by_id(tmp_path: Path, text: str) -> None:
    sheet = read_scores(put(tmp_path, "prs.txt", text))
    assert not sheet.has_positions
    assert sheet.rows.select("id", "effect").rows() == [("rs1", "A"), ("rs2", "C")]
    assert sheet.weights[:, 0].tolist() == [0.5, -1.0]


def test_parquet_gives_what_the_same_table_gives_as_text(tmp_path: Path) -> None:
    columns = {"chrom": [1, 2], "pos": [10.0, 20.0], "effect_allele": ["A", "C"], "weight": [0.1, 2e-300]}
    pq.write_table(
        pa.table(columns).replace_schema_metadata({"genome_build": "hg19", "pgs_id": "PGS7"}), tmp_path / "t.parquet"
    )
    pl.DataFrame(columns).write_csv(tmp_path / "t.csv")
    sheet, text = read_scores(tmp_path / "t.parquet"), read_scores(tmp_path / "t.csv")
    assert (sheet.name, sheet.build) == ("PGS7", "GRCh37")
    assert sheet.rows.equals(text.rows)
    assert (sheet.weights == text.weights).all()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "holds no row of column names"),
        ("c\0h\0r\0\n", "is no text in UTF-8"),
        ("#pgs_id=PGS1\n", "holds no row of column names"),
        ("chr\tpos\tweight\n1\t2\t3\n", "no column effect_allele"),
        ("chr\tpos\tA1\n1\t2\tA\n", "no column effect_weight"),
        ("A1\tweight\nA\t3\n", "neither columns chr_name and chr_position nor a column rsID"),
        ("ID\tA1\tone\tone\nrs1\tA\t1\t2\n", "two columns of weights have one name"),
        ("ID\tA1\tone\tgene\nrs1\tA\t1\tBRCA1\nrs2\tC\t1\tTP53\n", "column 4 is no known one and holds no numbers"),
    ],
)
def test_what_is_no_scoring_file_is_refused_by_name_and_without_its_content(
    tmp_path: Path, text: str, told: str
) -> None:
    put(tmp_path, "layout.yaml", "{}" if "one" not in text else "weights: all")
    with pytest.raises(SpecError, match=told) as refused:
        read_scores(put(tmp_path, "wrong.txt", text))
    assert "wrong.txt" in str(refused.value)
    assert "BRCA1" not in str(refused.value)
    assert isinstance(read_all([tmp_path / "wrong.txt"])[0], SpecError)


def test_a_truncated_gzip_is_refused(tmp_path: Path) -> None:
    body = gzip.compress(CATALOG.encode())
    with pytest.raises(SpecError, match="ends early"):
        read_scores(put(tmp_path, "cut.txt.gz", body[:-20]))


def test_a_gzip_bomb_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    body = gzip.compress(CATALOG.encode() + b"rs1\t1\tA\tC\t1\n" * 1_000_000)
    table = TextTable(put(tmp_path, "bomb.txt.gz", body), max_inflated=1 << 20)
    with pytest.raises(SpecError, match="inflates to more than"):
        list(table.pieces())


def test_a_line_without_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="a line is longer than"):
        read_scores(put(tmp_path, "line.txt", b"rsID\tA1\tbeta\n" + b"A" * (24 << 20)))


def test_rows_are_the_same_wherever_the_file_is_cut_into_pieces(tmp_path: Path) -> None:
    lines = [f"{n % 22 + 1}\t{n}\tA\tG\t{n / 7!r}" for n in range(700_000)]
    lines[300_000] += "\tmore"
    text = "chr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\n" + "\n".join(lines)
    sheet = read_scores(put(tmp_path, "long.txt", text))
    assert len(text) > 16 << 20
    assert sheet.rows["row_nr"].to_list() == sheet.rows["pos"].to_list()
    assert sheet.rows.filter(pl.col("excluded").is_not_null())["row_nr"].to_list() == [300_000]
    assert sheet.weights[:, 0].tolist() == [n / 7 for n in range(700_000)]


def test_notes_beside_scoring_files_are_passed_over(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt.gz", "README.txt", "LICENSE.txt", "notes.md", ".hidden.txt"):
        put(tmp_path, name, "")
    assert [path.name for path in score_files(tmp_path)] == ["a.txt.gz", "b.txt"]


def test_many_files_at_once_are_what_each_is_alone(tmp_path: Path) -> None:
    table = "chr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\n"
    for number in range(5):
        rows = "".join(f"{number}\t{row}\tA\tG\t{row / 7!r}\n" for row in range(number * 3))
        put(tmp_path, f"plain{number}.txt", f"#pgs_id=PGS00000{number}\n" + table + rows)
    put(tmp_path, "windows.txt", (table + "\n1\t5\tA\tG\t1\n\n1\t6\tA\tG\n\n").replace("\n", "\r\n"))
    put(tmp_path, "ragged.txt", table + "1\t5\tA\tG\t1\tmore\n1\t6\tA\tG\tnonsense\n")
    put(tmp_path, "zipped.txt.gz", gzip.compress(CATALOG.encode()))
    put(tmp_path, "blanks.txt", "ID A1 BETA\nrs1 A  0.5\n\nrs2 C -1\n")
    put(tmp_path, "wide.txt", "ID\tA1\tone\ttwo\nrs1\tA\t0.5\t\nrs2\tC\t\t-1\n")
    put(tmp_path, "layout.yaml", "files: {wide.txt: {weights: all}}")
    put(tmp_path, "wrong.txt", "nothing\tof\tthis\n")
    put(tmp_path, "long.txt", table + "1\t5\tA\tG\t1\n" * 30_000)
    paths = score_files(tmp_path)
    assert [path.name for path, found in zip(paths, read_all(paths), strict=True) if isinstance(found, SpecError)] == [
        "wrong.txt"
    ]
    for path, found in zip(paths, read_all(paths, "GRCh38"), strict=True):
        if isinstance(found, ScoreSheet):
            alone = read_scores(path, "GRCh38")
            assert (found.name, found.scores, found.build) == (alone.name, alone.scores, alone.build)
            assert found.rows.equals(alone.rows)
            np.testing.assert_array_equal(found.weights, alone.weights)
