"""Frequencies of ALT, from the cohort's counts and from files of others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from schemas.errors import SpecError
from tests.support.plink2 import needs_plink2, run_plink2
from tests.workers.genomics.kernels.naive import pack
from workers.genomics.contract import COUNT_SCHEMA, VARIANT_SCHEMA
from workers.genomics.scores.frequencies import cohort_frequencies, given_frequencies

VARIANTS = pl.DataFrame(
    [
        (10, "1", 5, "a", "A", "G"),
        (12, "1", 6, "b", "C", "T"),
        (14, "X", 7, "c", "G", "T"),
        (16, "2", 8, None, "A", "C"),
    ],
    schema=VARIANT_SCHEMA,
    orient="row",
)


def given(folder: Path, text: str) -> list[float | None]:
    (folder / "f.tsv").write_text(text)
    found = given_frequencies(folder / "f.tsv", VARIANTS)
    assert found["variant_idx"].to_list() == [10, 12, 14, 16]
    return found["alt_freq"].to_list()


def test_of_the_cohort_it_is_the_share_of_called_alleles_and_none_where_none_was_called() -> None:
    counts = pl.DataFrame([(1, 3.0, 12, 4, 1, 1, 2), (2, 0.0, 0, 0, 0, 0, 8)], schema=COUNT_SCHEMA, orient="row")
    assert cohort_frequencies(counts).rows() == [(1, 0.25), (2, None)]


@pytest.mark.parametrize(
    "text",
    [
        "chrom\tpos\tref\talt\talt_freq\nchr1\t5\tA\tG\t0.25\n1\t6\tT\tC\t0.25\n23\t7\tG\tC\t0.5\n2\t8\tA\tC\t1\n",
        "chrom,pos,ref,alt,alt_freq\n1,5,a,g,0.25\n1,6,t,c,0.25\n2,8,A,C,1\n",
        "CHROM POS REF ALT ALT_FREQS\n1 5 A G 0.25\n1 6 T C 0.25\n02 8 A C 1\n",
    ],
    ids=["tabs", "commas", "blanks"],
)
def test_a_file_by_position_is_turned_to_the_alleles_of_the_genotypes(tmp_path: Path, text: str) -> None:
    assert given(tmp_path, text) == [0.25, 0.75, None, 1.0]


def test_a_file_by_id_finds_what_has_one(tmp_path: Path) -> None:
    assert given(tmp_path, "id\tref\talt\talt_freq\na\tA\tG\t0.25\nb\tC\tT\tNA\n.\tA\tC\t0.1\n") == [
        0.25,
        None,
        None,
        None,
    ]


def test_the_minor_allele_of_plink_1_9_is_the_alternative(tmp_path: Path) -> None:
    text = " CHR  SNP   A1   A2          MAF  NCHROBS\n   1    a    G    A       0.125      120\n"
    assert given(tmp_path, text + "   1    b    C    T        0.25      118\n") == [0.125, 0.75, None, None]


def test_a_variant_that_is_there_twice_has_none(tmp_path: Path) -> None:
    assert given(tmp_path, "id\tref\talt\talt_freq\na\tA\tG\t0.25\na\tG\tA\t0.1\nb\tC\tT\t0.3\n")[:2] == [None, 0.3]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id\tref\talt\na\tA\tG\n", "needs columns ref, alt, alt_freq"),
        ("id\tref\talt\talt_freq\na\tA\tG\t7\n", "between 0 and 1"),
        ("id\tref\talt\tmaf\na\tA\tG\t0.1\n", "maf may be the frequency of either"),
        ("id\tref\talt\talt_freq\na\tA\tG,C\t0.1\n", "another number of frequencies than of ALTs"),
    ],
)
def test_a_table_of_something_else_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SpecError, match=told):
        given(tmp_path, text)


@needs_plink2
def test_what_plink2_writes_of_frequencies_is_read(tmp_path: Path) -> None:
    chance = np.random.default_rng(4)
    calls = chance.integers(0, 3, (3, 60)).astype(np.uint8)
    (tmp_path / "g.bed").write_bytes(b"\x6c\x1b\x01" + pack(np.array([3, 2, 0], np.uint8)[calls]).tobytes())
    (tmp_path / "g.bim").write_text("1 a 0 5 G A\n1 b 0 6 T C\nX c 0 7 T G\n")
    (tmp_path / "g.fam").write_text("".join(f"0 p{n} 0 0 2 -9\n" for n in range(60)))
    run_plink2(tmp_path, ["--bfile", "g", "--freq", "--out", "g"])
    found = given_frequencies(tmp_path / "g.afreq", VARIANTS)["alt_freq"].to_list()
    assert found[3] is None
    np.testing.assert_allclose(np.array(found[:3], float), calls.mean(axis=1) / 2, rtol=1e-5)


def test_a_line_of_several_alternatives_has_a_frequency_for_each_as_plink2_writes_it(tmp_path: Path) -> None:
    (tmp_path / "f.afreq").write_text("#CHROM\tID\tREF\tALT\tALT_FREQS\tOBS_CT\n1\tm\tA\tC,G\t0.3,0.4\t100\n")
    variants = pl.DataFrame(
        [(0, "1", 5, "m", "A", "C"), (1, "1", 5, "m", "A", "G"), (2, "1", 5, "m", "C", "A")],
        schema=VARIANT_SCHEMA,
        orient="row",
    )
    found = given_frequencies(tmp_path / "f.afreq", variants)["alt_freq"].to_list()
    # Of the third, ALT is REF of the file: what both of its ALTs leave.
    assert found == pytest.approx([0.3, 0.4, 0.3])
