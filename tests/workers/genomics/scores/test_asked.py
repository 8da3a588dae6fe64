from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from schemas.errors import SpecError
from workers.genomics.scores.asked import read_asked
from workers.genomics.scores.files import read_scores

SAIGE = "CHR\tPOS\tMarkerID\tAllele1\tAllele2\tAF_Allele2\tBETA\tSE\tp.value\n1\t100\trs0\tA\tG\t.3\t0.1\t.01\t.01\n"
METAL = "MarkerName\tAllele1\tAllele2\tEffect\tStdErr\tP-value\nrs0\ta\tg\t0.1\t.01\t.01\n"
GLM = (
    "#CHROM\tPOS\tID\tREF\tALT\tA1\tTEST\tOBS_CT\tOR\tP\n"
    "1\t100\trs0\tA\tG\tG\tADD\t9\t2\t.1\n1\t100\trs0\tA\tG\tG\tSEX\t9\t3\t.1\n"
    "1\t200\trs1\tA\tG\tA\tADD\t9\t0.5\t.1\n1\t300\trs2\tA\tG\tA\tADD\t9\t0\t.1\n"
)


def test_what_is_asked_of_a_file_is_what_is_asked_of_all_unless_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(SAIGE)
    (tmp_path / "b.txt").write_text(METAL)
    (tmp_path / "layout.yaml").write_text("layout: saige\nfiles: {b.txt: {layout: metal}}\n")
    saige, metal = read_scores(tmp_path / "a.txt"), read_scores(tmp_path / "b.txt")
    assert saige.rows.select("chrom", "pos", "effect", "other", "frequency").rows() == [("1", 100, "G", "A", 0.3)]
    assert metal.rows.select("id", "effect", "other").rows() == [("rs0", "A", "G")]
    assert (saige.weights.tolist(), metal.weights.tolist()) == ([[0.1]], [[0.1]])
    assert saige.scores == ("a",)


def test_odds_ratios_are_taken_as_logarithms_and_lines_of_other_tests_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "glm.txt").write_text(GLM)
    (tmp_path / "layout.yaml").write_text("layout: plink2-glm\n")
    sheet = read_scores(tmp_path / "glm.txt")
    assert sheet.rows["excluded"].to_list() == [None, "other_test", None, "bad_weight"]
    assert sheet.rows.select("effect", "other").rows()[::2] == [("G", "A"), ("A", "G")]
    np.testing.assert_allclose(sheet.weights[[0, 2], 0], np.log([2, 0.5]))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("layout: sage\n", "is no known layout; there are plink-assoc"),
        ("layuot: saige\n", "layuot"),
        ("weights: []\n", "names no column"),
        ("files: {gone.txt: {layout: metal}}\n", "files names 'gone.txt', which is not there"),
        ("- saige\n", "expected a mapping"),
        ("a: [", "not valid YAML"),
    ],
)
def test_what_cannot_be_used_is_told_by_its_place(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "layout.yaml").write_text(text)
    with pytest.raises(SpecError, match=told) as refused:
        read_asked(tmp_path)
    assert "layout.yaml" in str(refused.value)


def test_a_layout_whose_columns_the_file_has_not_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(SAIGE)
    (tmp_path / "layout.yaml").write_text("layout: sbayesr\n")
    with pytest.raises(SpecError, match="layout sbayesr has its effect alleles in a1: no such column"):
        read_scores(tmp_path / "a.txt")
