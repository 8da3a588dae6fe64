"""What a model is shown of a variant: by plain string work, on both strands, at the ends of contigs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.status import Status
from tests.support.sequence_oracle import reverse_complement, windows
from workers.genomics.sequences.regions import Region, View, agrees, window_of
from workers.genomics.sequences.steps import Preparation, SequenceWindow
from workers.genomics.sequences.windows import VariantWindow

BASES = st.text("ACGT", min_size=1, max_size=12)


def codes(text: str) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    return np.frombuffer(text.encode(), np.uint8)


def text_of(bases: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> str:
    return bases.tobytes().decode()


def view(length: int, **window: str) -> View:
    return View(Preparation(SequenceWindow.model_validate({"length": length, **window}), False), "dna", None)


def region(contig: str, pos: int, ref: int, alt: str, room: int = 60) -> Region:
    start = pos - 1 - room
    padded = "N" * room + contig + "N" * (2 * room)
    bases = codes(padded[start + room : start + room + 2 * room + ref])
    return Region(bases, "1", len(contig), start, pos - 1, ref, codes(alt))


@given(contig=st.text("ACGTN", min_size=30, max_size=60), ref=st.integers(1, 8), alt=BASES, data=st.data())
@settings(max_examples=150, deadline=None)
def test_both_windows_are_those_of_plain_string_work_and_the_reverse_strand_is_theirs(
    contig: str, ref: int, alt: str, data: st.DataObject
) -> None:
    pos = data.draw(st.integers(1, len(contig) - ref))
    length = data.draw(st.integers(26, 40))
    found = window_of(region(contig, pos, ref, alt), view(length), {})
    assert isinstance(found, VariantWindow)
    wanted = windows(contig, pos, contig[pos - 1 : pos - 1 + ref], alt, length)
    assert (text_of(found.ref_window()), text_of(found.alt_window())) == wanted
    other = found.reverse()
    assert (text_of(other.ref_window()), text_of(other.alt_window())) == tuple(map(reverse_complement, wanted))
    assert other.reverse().bases.tolist() == found.bases.tolist()


def test_overlapping_windows_agree_where_they_overlap_on_the_reverse_strand_too() -> None:
    contig = "ACGTTGCAAGGCTTACGATCGATTTACGCAGGACT"
    one, two = (window_of(region(contig, pos, 1, "A"), view(15), {}) for pos in (14, 19))
    assert isinstance(one, VariantWindow)
    assert isinstance(two, VariantWindow)
    for a, b in ((one, two), (one.reverse(), two.reverse())):
        shared = range(max(a.start, b.start), min(a.start + 15, b.start + 15))
        assert len(shared) == 10
        assert [a.bases[i - a.start] for i in shared] == [b.bases[i - b.start] for i in shared]


def test_the_alleles_of_a_site_share_the_array_of_the_reference() -> None:
    site = region("ACGTACGTACGTACGTACGT", 10, 1, "A")
    cache: dict[tuple[str, int, int], object] = {}
    one, two = (window_of(replace(site, alt=codes(alt)), view(9), cache) for alt in ("G", "TT"))
    assert isinstance(one, VariantWindow)
    assert isinstance(two, VariantWindow)
    assert one.bases is two.bases


@pytest.mark.parametrize(
    ("ref", "alt", "fits"), [(5, "A", True), (6, "A", False), (1, "ACGTA", True), (1, "ACGTAC", False)]
)
def test_alleles_have_to_fit_into_the_window(ref: int, alt: str, fits: bool) -> None:
    found = window_of(region("ACGTACGTACGTACGTACGT", 8, ref, alt), view(10), {})
    assert isinstance(found, VariantWindow) == fits
    assert fits or (isinstance(found, tuple) and found[0] == Status.OUT_OF_CONTRACT)


@pytest.mark.parametrize(("pos", "alt", "inside"), [(5, "A", False), (6, "A", True), (15, "A", True), (16, "A", False)])
def test_windows_over_the_end_of_a_contig_are_refused_where_asked(pos: int, alt: str, inside: bool) -> None:
    found = window_of(region("ACGTACGTACGTACGTACGT", pos, 1, alt), view(11, edges="refuse"), {})
    assert isinstance(found, VariantWindow) == inside


def test_a_deletion_that_lets_the_end_of_the_contig_in_is_refused_too() -> None:
    asked = view(10, edges="refuse")
    assert isinstance(window_of(region("ACGTACGTACGTACGTACGT", 15, 1, "A"), asked, {}), VariantWindow)
    assert isinstance(window_of(region("ACGTACGTACGTACGTACGT", 15, 3, "A"), asked, {}), tuple)


def test_codes_of_several_bases_become_n_or_are_refused() -> None:
    site = region("ACGTRCGTACGTACGTACGT", 8, 1, "Y")
    found = window_of(site, view(9), {})
    assert isinstance(found, VariantWindow)
    assert text_of(found.ref_window()) == "TNCGTACGT"
    assert text_of(found.alt_window()) == "TNCGNACGT"
    told = window_of(site, view(9, ambiguous="refuse"), {})
    assert told == (Status.OUT_OF_CONTRACT, "the window has codes that stand for several bases")
    assert isinstance(
        window_of(region("ACGTNCGTACGTACGTACGT", 8, 1, "A"), view(9, ambiguous="refuse"), {}), VariantWindow
    )


@pytest.mark.parametrize(
    ("bases", "status"), [("ACGU", None), ("MKV", Status.OUT_OF_CONTRACT), ("AC-GT", Status.OUT_OF_CONTRACT)]
)
def test_a_sequence_for_a_model_of_dna_has_bases_only(bases: str, status: Status | None) -> None:
    # M, K and V are codes of bases as well as amino acids; L is not.
    found = window_of(Region(codes(bases + ("L" if bases == "MKV" else ""))), view(1), {})
    if status is None:
        assert isinstance(found, VariantWindow)
        assert text_of(found.ref_window()) == "ACGT"
    else:
        assert isinstance(found, tuple)
        assert found[0] == status


@pytest.mark.parametrize(
    ("ref", "reference", "same"),
    [("A", "A", True), ("A", "C", False), ("A", "R", True), ("G", "R", True), ("C", "R", False), ("N", "R", True),
     ("A", "N", False), ("N", "N", True), ("N", "A", False), ("AC", "AM", True), ("AC", "A", False)],
)  # fmt: skip
def test_ref_agrees_with_the_reference_where_vcf_says_so(ref: str, reference: str, same: bool) -> None:
    assert agrees(codes(ref), codes(reference)) == same
