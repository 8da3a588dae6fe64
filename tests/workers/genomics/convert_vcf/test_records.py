"""Every kind of record that VCF can hold, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.status import Status
from tests.support.genotype_tables import vcf_line
from workers.genomics.convert_vcf.lines import Line
from workers.genomics.convert_vcf.settings import VcfInput
from workers.genomics.convert_vcf.variants import records_of
from workers.genomics.kernels.codes import unpack
from workers.genomics.table.layout import DOSAGE_MISSING, DOSAGE_ONE
from workers.genomics.table.records import Records


def read(lines: Sequence[str | bytes], samples: int = 3, **settings: Any) -> Records:
    source = VcfInput(format="vcf", uri="x", **settings)
    whole = [line if isinstance(line, bytes) else line.rstrip("\n").encode() for line in lines]
    return records_of([Line(line) for line in whole], samples, source)


def codes(records: Records, samples: int = 3) -> list[list[int]]:
    """Haploid calls plus 10."""
    found = unpack(records.calls.packed, samples).astype(int)
    if records.calls.haploid is not None:
        found += 10 * np.unpackbits(records.calls.haploid, axis=1, count=samples, bitorder="little")
    return found.tolist()


def test_a_record_with_several_alternatives_is_a_variant_for_each() -> None:
    found = read([vcf_line("chr1", 5, "a", "C,gg", ["1/2", "0|2", "./."], id="rs1")])
    assert found.variants.rows() == [("1", 5, "rs1", "A", "C", 3, 0, None), ("1", 5, "rs1", "A", "GG", 3, 0, None)]
    assert codes(found) == [[1, 0, 3], [1, 1, 3]]
    assert found.outcomes.rows() == [("ok", "split", None, "1", 5, 2, None, None)]
    missing = read([vcf_line("chr1", 5, "A", "C,G", ["1/2", "0|2", "0/0"])], other_alts="missing")
    assert codes(missing) == [[3, 3, 0], [3, 1, 0]]


@pytest.mark.parametrize(("mode", "code"), [("missing", 3), ("haploid", 12), ("reference", 1)])
def test_a_half_call_is_what_the_settings_say(mode: str, code: int) -> None:
    found = read([vcf_line("1", 5, "A", "C", ["./1", "1|.", "0/1"])], half_calls=mode)
    assert codes(found) == [[code, code, 1]]


def test_haploid_calls_are_marked_and_a_lone_point_is_one_where_others_are() -> None:
    found = read([vcf_line("X", 5, "A", "C", [".", "1", "0/1"]), vcf_line("1", 6, "A", "C", [".", "1/1", "0/1"])])
    assert codes(found) == [[13, 12, 1], [3, 2, 1]]


def test_alleles_of_two_digits_and_phase_signs_in_front_are_read() -> None:
    alts = ",".join("C" * length for length in range(1, 13))
    found = read([vcf_line("1", 5, "A", alts, ["10/12", "|1|0", "11"])])
    assert codes(found)[9] == [1, 0, 10]
    assert codes(found)[0] == [0, 1, 10]
    assert codes(found)[10] == [0, 0, 12]


SKIPPED = [
    (vcf_line("1", 5, "A", "<DEL>", ["0/1"] * 3), "its alternatives are symbolic, breakends or *"),
    (vcf_line("1", 5, "A", "A]chr2:9]", ["0/1"] * 3), "its alternatives are symbolic, breakends or *"),
    (vcf_line("1", 5, "A", "*", ["0/1"] * 3), "its alternatives are symbolic, breakends or *"),
    ("", "an empty line"),
]


@pytest.mark.parametrize(("line", "reason"), SKIPPED)
def test_what_is_no_variant_is_skipped_and_says_why(line: str, reason: str) -> None:
    found = read([line], symbolic="skip")
    (row,) = found.outcomes.rows(named=True)
    assert [row[name] for name in ("status", "outcome", "reason", "n_variants")] == ["ok", "skipped", reason, 0]
    assert found.variants.height == len(found.calls.packed) == 0


def test_symbolic_alleles_are_variants_or_are_left_out_and_calls_of_them_are_missing() -> None:
    line = vcf_line("1", 5, "A", "C,*,<DEL>", ["1/2", "3/3", "0/1"])
    skipped = read([line], symbolic="skip")
    (row,) = skipped.outcomes.rows(named=True)
    assert row["outcome"] == "converted"
    assert row["reason"] == "2 of its alternatives are symbolic, breakends or * and were left out"
    assert codes(skipped) == [[3, 3, 1]]
    kept = read([line])
    assert kept.variants["alt"].to_list() == ["C", "*", "<DEL>"]
    assert codes(kept) == [[1, 0, 1], [1, 0, 0], [0, 2, 0]]


def test_a_record_without_an_alternative_is_kept_or_skipped() -> None:
    line = vcf_line("1", 5, "A", ".", ["0/0", "./.", "0"])
    kept = read([line])
    assert kept.variants.rows() == [("1", 5, None, "A", None, 1, 0, None)]
    assert codes(kept) == [[0, 3, 10]]
    assert read([line], monomorphic="skip").outcomes["reason"].to_list() == ["it has no alternative"]


def test_records_with_a_filter_are_skipped_where_only_those_that_pass_are_asked_for() -> None:
    lines = [vcf_line("1", 5, "A", "C", ["0/1"] * 3, filter=name) for name in ("PASS", ".", "low")]
    assert read(lines).variants.height == 3
    assert read(lines, only_pass=True).outcomes["outcome"].to_list() == ["converted", "converted", "skipped"]


UNREADABLE = [
    ("1\t5\t.\tA\tC\t.\t.\t.\tGT\t0/1\t0/1", "it has another number of columns than the header says"),
    ("1\t5\t.\tA", "it has fewer columns than the header says"),
    (vcf_line("1", "x", "A", "C", ["0/1"] * 3), "it has no chromosome or no position"),
    (vcf_line("1", 1 << 31, "A", "C", ["0/1"] * 3), "it has no chromosome or no position"),
    (vcf_line("", 5, "A", "C", ["0/1"] * 3), "it has no chromosome or no position"),
    (vcf_line("1", 5, "A-", "C", ["0/1"] * 3), "its REF is no sequence of bases"),
    (vcf_line("1", 5, ".", "C", ["0/1"] * 3), "its REF is no sequence of bases"),
    (vcf_line("1", 5, "A", "C,", ["0/1"] * 3), "an alternative is no allele"),
    (vcf_line("1", 5, "A", "C", ["0/1", "0/2", "0/1"]), "a call names an allele that the record does not have"),
    (vcf_line("1", 5, "A", "C", ["0/1", "0/x", "0/1"]), "a call is not written as one"),
    (vcf_line("1", 5, "A", "C", ["0/1", "", "0/1"]), "a call is not written as one"),
    ("1\t5\t\udcff\tA\tC\t.\t.\t.\tGT\t0/1\t0/1\t0/1", "it is not UTF-8"),
]


@pytest.mark.parametrize(("line", "reason"), UNREADABLE)
def test_what_cannot_be_read_is_a_row_that_says_why_and_its_neighbours_are_read(line: str, reason: str) -> None:
    good = vcf_line("1", 5, "A", "C", ["0/1", "0/0", "1/1"])
    found = read([good, line.rstrip("\n").encode("utf-8", "surrogateescape"), good])
    assert found.outcomes["status"].to_list() == ["ok", "unreadable", "ok"]
    assert found.outcomes["reason"].to_list() == [None, reason, None]
    assert codes(found) == [[1, 0, 2], [1, 0, 2]]
    assert found.variants["record"].to_list() == [0, 2]


def test_calls_of_more_than_two_alleles_and_records_without_calls_are_not_supported() -> None:
    polyploid = vcf_line("1", 5, "A", "C", ["0/1", "0/0/1", "0/1"])
    bare = vcf_line("1", 5, "A", "C", ["3"] * 3, format="DP")
    found = read([polyploid, bare]).outcomes
    assert found["status"].to_list() == ["unsupported"] * 2
    assert found["outcome"].to_list() == ["skipped"] * 2


def test_dosages_are_stored_beside_calls_where_a_field_is_named() -> None:
    lines = [
        vcf_line("1", 5, "A", "C", ["0/1:1.25", "./.:.", "1/1"], format="GT:DS"),
        vcf_line("1", 6, "A", "C,G", ["0/1:1,0.5", "0/2:0,1", "./.:.,."], format="GT:DS"),
        vcf_line("1", 7, "A", "C", ["0/1", "0/0", "1/1"]),
        vcf_line("X", 8, "A", "C", ["1:0.75", "0/1:1", "0/0:0"], format="GT:DS"),
        vcf_line("1", 9, "A", "C", ["0.05", "1.5", "1.95"], format="DS"),
    ]
    assert read(lines[:1]).calls.dosage is None
    calls = read(lines, dosage="DS").calls
    assert calls.has_dosage is not None
    assert calls.dosage is not None
    assert calls.has_dosage.tolist() == [True, True, True, False, True, True]
    copies = np.where(calls.dosage == DOSAGE_MISSING, np.nan, calls.dosage / DOSAGE_ONE)
    wanted = [[1.25, np.nan, 2], [1, 0, np.nan], [0.5, 1, np.nan], [0, 0, 0], [1.5, 1, 0], [0.05, 1.5, 1.95]]
    np.testing.assert_allclose(copies, wanted, atol=1 / DOSAGE_ONE)
    assert codes(read(lines, dosage="DS"))[-1] == [0, 3, 2]


@pytest.mark.parametrize("value", ["x", "2.5", "-1", "inf", "1,1", "nan"])
def test_a_dosage_that_is_none_makes_its_record_unreadable(value: str) -> None:
    found = read([vcf_line("1", 5, "A", "C", [f"0/1:{value}", "0/0:0", "0/0:0"], format="GT:DS")], dosage="DS")
    assert found.outcomes["reason"].to_list() == ["a dosage is no number from 0 to 2"]


CELLS = st.sampled_from(
    ["0/1", "1|1", ".", "./.", "1", "12/0", "0/1/1", "./1", ":3", "0/1:2:3", "é", "9999999999", "-1"]
)
FIELDS = st.sampled_from(
    ["1", "chrX", "", "5", "0", "A", "ACGT", "<DEL>", "*", ".", "C,G", "GT", "GT:DS", "DS", "PASS"]
)
LINES = st.one_of(
    st.binary(max_size=60).map(lambda line: line.replace(b"\n", b"")),
    st.builds(lambda fields, cells: "\t".join(fields + cells).encode(), st.lists(FIELDS, max_size=10), st.lists(CELLS)),
    st.lists(CELLS, min_size=3, max_size=3).map(lambda cells: vcf_line("1", 7, "A", "C,G", cells).strip("\n").encode()),
)


@settings(max_examples=150, deadline=None)
@given(lines=st.lists(LINES, max_size=6), dosage=st.sampled_from([None, "DS"]), keep=st.sampled_from(["keep", "skip"]))
def test_whatever_lines_hold_each_has_one_outcome_and_its_variants(
    lines: list[bytes], dosage: str | None, keep: str
) -> None:
    found = read(lines, dosage=dosage, symbolic=keep)
    assert found.outcomes.height == len(lines)
    assert set(found.outcomes["status"]) <= {str(status) for status in Status}
    counted = dict(found.variants.group_by("record").len().iter_rows())
    assert [counted.get(at, 0) for at in range(len(lines))] == found.outcomes["n_variants"].to_list()
    assert found.calls.packed.shape == (found.variants.height, 1)
    reasons = found.outcomes.filter(found.outcomes["n_variants"] == 0)["reason"]
    assert reasons.null_count() == 0
