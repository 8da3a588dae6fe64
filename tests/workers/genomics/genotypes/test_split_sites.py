"""A site of several ALTs in the four ways in which tools write it gives one answer, or says that it has none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.genotype_tables import vcf_line
from tests.support.vcf_scores import catalog_file, score_lines, split_lines

WAYS = ("undivided", "bcftools", "vt", "star")
ALLELES = ("A", "C", "G", "T")

Call = tuple[int, int] | None


@st.composite
def cohorts(draw: st.DrawFn) -> tuple[int, list[Call]]:
    """A number of ALTs, and calls of some samples."""
    alts = draw(st.integers(1, 3))
    allele = st.integers(0, alts)
    return alts, draw(st.lists(st.none() | st.tuples(allele, allele), min_size=1, max_size=9))


@settings(max_examples=30, deadline=None)
@given(cohorts(), st.integers(0, 3), st.sampled_from(["first", "unknown"]), st.integers(1, 3), st.data())
def test_the_four_ways_of_writing_a_site_agree_or_are_missing(
    tmp_path_factory: pytest.TempPathFactory,
    cohort: tuple[int, list[Call]],
    effect: int,
    other: str,
    cut: int,
    data: st.DataObject,
) -> None:
    alts, calls = cohort
    effect = min(effect, alts)
    against = 1 if effect == 0 else 0
    folder = tmp_path_factory.mktemp("split")
    said = "" if other == "unknown" else ALLELES[against]
    score = catalog_file(folder / "s.txt", [(1, 400, ALLELES[effect], said, 1)])
    expected = [None if call is None else float(call.count(effect)) for call in calls]
    for way in WAYS:
        lines = split_lines(way, 400, "A", ALLELES[1 : alts + 1], calls)
        if way != "undivided" and data.draw(st.booleans()):
            lines.reverse()
        found = score_lines(lines, len(calls), score, cut=cut)
        assert found.matched.log["outcome"].to_list() == ["matched"]
        for copies, right in zip(found.copies, expected, strict=True):
            assert copies is None or copies == right
        if way in ("undivided", "bcftools", "star"):
            assert found.copies == expected


@pytest.mark.parametrize("alt", ["*", "<DEL>", "<CN0>", "A[2:5["])
@pytest.mark.parametrize(("effect", "right"), [("A", [2, 1, 1, 0, 0, 0]), ("C", [0, 1, 0, 2, 1, 0])])
def test_alleles_without_a_sequence_count_as_other_alleles(
    tmp_path: Path, alt: str, effect: str, right: list[int]
) -> None:
    calls = ["0/0", "0/1", "0/2", "1/1", "1/2", "2/2"]
    score = catalog_file(tmp_path / "s.txt", [(1, 400, effect, "C" if effect == "A" else "A", 1)])
    line = vcf_line("1", 400, "A", f"C,{alt}", calls)
    assert score_lines([line], 6, score).copies == right
    without = score_lines([line], 6, score, symbolic="skip").copies
    assert without == [right[0], right[1], None, right[3], None, None]


def test_one_split_of_two_alternatives_as_vt_writes_it_has_no_copies_below_none(tmp_path: Path) -> None:
    calls: list[Call] = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
    score = catalog_file(tmp_path / "s.txt", [(1, 400, "G", "A", 1)])
    lines = split_lines("vt", 400, "G", ["A", "T"], calls)
    assert score_lines(lines, 6, score).copies == [2, None, None, None, None, None]
    as_reference = score_lines(lines, 6, score, half_calls="reference").copies
    assert as_reference == [2, 1, 1, None, 0, None]
    undivided = split_lines("undivided", 400, "G", ["A", "T"], calls)
    assert score_lines(undivided, 6, score, other_alts="missing").copies == [2, None, None, None, None, None]


def test_what_records_of_a_site_say_together_is_never_more_than_two_copies(tmp_path: Path) -> None:
    lines = [vcf_line("1", 400, "A", alt, ["1/1", "0/1", "0/0"]) for alt in ("C", "G")]
    score = catalog_file(tmp_path / "s.txt", [(1, 400, "A", "C", 1)])
    assert score_lines(lines, 3, score).copies == [None, 0, 2]


def test_a_missing_call_of_a_site_is_what_all_its_alternatives_leave(tmp_path: Path) -> None:
    lines = split_lines("bcftools", 400, "A", ["C", "G"], [None, (1, 2), (0, 0), (0, 1)])
    score = catalog_file(tmp_path / "s.txt", [(1, 400, "A", "", 1)])
    assert score_lines(lines, 4, score, frequencies=[0.3, 0.2]).sums == pytest.approx([1, 0, 2, 1])


def test_a_dominant_effect_of_ref_sees_the_copies_that_all_alternatives_leave(tmp_path: Path) -> None:
    lines = split_lines("undivided", 400, "A", ["C", "G"], [(0, 0), (0, 2), (1, 2)])
    head = "chr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\tis_dominant\tis_recessive\n"
    for kind, right in (("True\tFalse", [1, 1, 0]), ("False\tTrue", [1, 0, 0])):
        (tmp_path / "s.txt").write_text(f"{head}1\t400\tA\tG\t1\t{kind}\n")
        assert score_lines(lines, 3, tmp_path / "s.txt").copies == right


@pytest.mark.parametrize(
    ("records", "right"),
    [
        ([("C,*", ["1/2", "0/2"]), ("T,*", ["2/2", "0/2"])], [0, 1]),
        # They contradict each other: one says two other alleles, the other says one.
        ([("C,*", ["1/2", "0/2"]), ("T,*", ["0/2", "0/1"])], [None, 1]),
        # The deletion of the first line may be the ALT of the second, or lie beside it.
        ([("C,*", ["0/2", "0/1"]), ("T", ["0/1", "0/0"])], [None, 1]),
        # A line with `*` alone is an allele of its own, as bcftools splits it off.
        ([("C", ["0/1", "0/0"]), ("*", ["0/1", "0/1"])], [0, 1]),
    ],
)
def test_a_star_stands_for_what_the_other_lines_say(
    tmp_path: Path, records: list[tuple[str, list[str]]], right: list[Any]
) -> None:
    lines = [vcf_line("1", 400, "A", alt, calls) for alt, calls in records]
    score = catalog_file(tmp_path / "s.txt", [(1, 400, "A", "", 1)])
    assert score_lines(lines, 2, score).copies == right
