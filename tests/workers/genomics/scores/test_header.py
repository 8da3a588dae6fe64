from __future__ import annotations

import pytest

from workers.genomics.scores.header import read_header


def test_the_names_of_older_files_mean_what_those_of_today_do() -> None:
    old = read_header(["# PGS ID = PGS000018", "# Original Genome Build = hg19", "# Number of Variants = 1745179"])
    new = read_header(["#pgs_id=PGS000018", "#genome_build=GRCh37", "#variants_number=1745179"])
    for header in (old, new):
        assert (header.accession, header.build, header.variants_number) == ("PGS000018", "GRCh37", 1745179)
        assert header.harmonised_build is None


def test_the_build_of_the_author_and_that_of_the_harmonisation_are_two() -> None:
    header = read_header(["#genome_build=GRCh37\r", "#HmPOS_build=GRCh38\r"])
    assert (header.build, header.harmonised_build) == ("GRCh37", "GRCh38")


def test_what_is_said_first_holds() -> None:
    assert read_header(["#pgs_id=PGS1", "#pgs_id=PGS2"]).accession == "PGS1"


@pytest.mark.parametrize("said", ["NR", "na", "", "../../etc", "a" * 65, "PGS 1"])
def test_what_cannot_be_an_accession_is_none(said: str) -> None:
    assert read_header([f"#pgs_id={said}"]).accession is None


@pytest.mark.parametrize("said", ["many", "-3", "1e6", "1" * 10])
def test_what_is_no_number_of_variants_is_none(said: str) -> None:
    assert read_header([f"#variants_number={said}"]).variants_number is None


def test_lines_that_say_nothing_are_passed_over() -> None:
    header = read_header(["###PGS CATALOG SCORING FILE", "##SOURCE INFORMATION", "#"])
    assert (header.accession, header.build, dict(header.keys)) == (None, None, {})


def test_a_line_of_blanks_is_read_as_fast_as_any() -> None:
    assert read_header(["#a" + " " * 1_000_000 + "!", "#  pgs_id \t= PGS000001 "]).keys == {"pgs_id": "PGS000001"}
