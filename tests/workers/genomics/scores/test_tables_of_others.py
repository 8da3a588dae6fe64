"""Numbers, alleles, contigs and line ends as other programs write them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.support.genotype_tables import vcf_line
from tests.support.vcf_scores import catalog_file, score_lines
from workers.genomics.scores.files import read_scores
from workers.genomics.scores.settings import Match

TOP = "chr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\n"
PRS_CS = "1\trs0\t100\tA\tG\t-1.5e-04\n1\trs1\t200\tC\tT\t2e-05\n"
SBAYESR = (
    "    Id     Name  Chrom     Position     A1     A2        A1Frq     A1Effect           SE            PIP\n"
    "     1      rs0      1          100      A      G     0.300000    -0.000150     0.000100       0.010000\n"
    "     2      rs1      1          200      C      T     0.300000     0.000020     0.000100       0.010000\n"
)
LDPRED = "chrom pos sid nt1 nt2 raw_beta ldpred_beta\nchrom_1 100 rs0 A G 9 -1.5e-04\nchrom_1 200 rs1 C T 9 2e-05\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("prs_cs.txt", PRS_CS),
        ("prs_cs.txt.gz", PRS_CS),
        ("run.snpRes", SBAYESR),
        ("ldpred2.csv", "chr,pos,rsid,a0,a1,beta\n1,100,rs0,G,A,-1.5e-04\n1,200,rs1,T,C,2e-05\n"),
        ("windows.txt", f"\ufeff{TOP}1\t1e+02\tA\tG\t-1.5e-04\n1.0\t200.0\tC\tT\t2E-05\n".replace("\n", "\r\n")),
        ("refseq.txt", f"{TOP}NC_000001.11\t100\tA\tG\t-1.5e-04\nchr1\t200\tC\tT\t2e-05\n"),
    ],
)
def test_what_programs_write_is_one_score(tmp_path: Path, name: str, text: str) -> None:
    body = text.encode()
    (tmp_path / name).write_bytes(gzip.compress(body) if name.endswith(".gz") else body)
    sheet = read_scores(tmp_path / name)
    assert sheet.rows.select("chrom", "pos", "effect", "other").rows() == [("1", 100, "A", "G"), ("1", 200, "C", "T")]
    assert sheet.weights[:, 0].tolist() == [-1.5e-4, 2e-5]


def test_ldpred_names_its_chromosomes_in_its_own_way(tmp_path: Path) -> None:
    (tmp_path / "weights.txt").write_text(LDPRED)
    sheet = read_scores(tmp_path / "weights.txt")
    assert sheet.rows.select("chrom", "id", "effect").rows() == [("1", "rs0", "A"), ("1", "rs1", "C")]
    assert sheet.weights[:, 0].tolist() == [-1.5e-4, 2e-5]


@pytest.mark.parametrize("other", ["A,T", "A/T", ""])
def test_other_alleles_of_which_there_are_several_are_not_known(tmp_path: Path, other: str) -> None:
    score = catalog_file(tmp_path / "s.txt", [(1, 10, "G", other, 1)])
    found = score_lines([vcf_line("1", 10, "A", "G", ["0/1", "1/1"])], 2, score)
    assert found.copies == [1, 2]
    assert found.matched.log["match_type"].to_list() == ["alt_no_oa"]


def test_a_score_of_which_nothing_is_matched_is_none_whatever_the_least_overlap(tmp_path: Path) -> None:
    score = catalog_file(tmp_path / "s.txt", [(1, 99, "G", "A", 1)])
    line = vcf_line("1", 10, "A", "G", ["0/1"])
    found = score_lines([line], 1, score, how=Match(min_overlap=0))
    (row,) = found.matched.summary.to_dicts()
    assert row["status"] == "low_overlap"
    assert row["detail"].startswith("none of its 1 variant is matched")


def test_a_header_that_counts_other_rows_is_a_warning_and_keeps_nothing_from_being_read(tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_text("#pgs_id=PGS000001\n#variants_number=3\n" + TOP + "1\t10\tG\tA\t-0.8\n")
    found = score_lines([vcf_line("1", 10, "A", "G", ["1/1"])], 1, tmp_path / "s.txt")
    (row,) = found.matched.summary.to_dicts()
    assert (row["status"], row["warning"]) == ("ok", "its header says 3 variants, and it has 1 row")
    assert found.sums == [-1.6]
