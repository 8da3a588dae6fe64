from __future__ import annotations

from typing import Any

import pytest

from schemas.status import Fault, Status
from tests.support.genotype_tables import vcf_line
from workers.genomics.convert_vcf.lines import Line
from workers.genomics.convert_vcf.settings import VcfInput
from workers.genomics.convert_vcf.sites import Refused, Site, site_of


def site(text: str | bytes, samples: int = 2, **settings: Any) -> Site | Refused:
    data = text if isinstance(text, bytes) else text.rstrip("\n").encode()
    return site_of(Line(data), samples, VcfInput(format="vcf", uri="u", **settings))


def line(ref: str = "A", alt: str = "C", chrom: str = "chr1", pos: Any = 5, **other: str) -> str:
    return vcf_line(chrom, pos, ref, alt, ["0/1", "1/1"], **other)


def test_a_site_has_what_stands_before_its_genotypes() -> None:
    assert site(line("a", "c,<DEL>,g", "chr01", id="rs1", format="GT:DS"), dosage="DS") == Site(
        "1", 5, "rs1", "A", ((1, "C"), (3, "G")), 4,
        "1 of its alternatives are symbolic, breakends or * and were left out", True, 1, b"0/1\t1/1",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "settings", "reason"),
    [
        (line(alt="<DEL>"), {}, "its alternatives are symbolic, breakends or *"),
        (line(alt="*,]13:123]T"), {}, "its alternatives are symbolic, breakends or *"),
        (line(alt="<NON_REF>"), {}, "it is a reference block of a gVCF"),
        (line(alt="<NON_REF>"), {"symbolic": "keep"}, "it is a reference block of a gVCF"),
        (line(alt="."), {"monomorphic": "skip"}, "it has no alternative"),
        (line(filter="low"), {"only_pass": True}, "its FILTER is not PASS"),
    ],
)
def test_what_is_left_out_on_purpose_is_skipped_and_is_no_fault(
    text: str, settings: dict[str, Any], reason: str
) -> None:
    found = site(text, **settings)
    assert isinstance(found, Refused)
    assert (found.outcome, found.status, found.reason, found.chrom, found.pos) == ("skipped", Status.OK, reason, "1", 5)


def test_a_record_without_genotypes_is_unsupported_unless_it_has_dosages() -> None:
    found = site(line(format="DS"))
    assert isinstance(found, Refused)
    assert (found.status, found.outcome) == (Status.UNSUPPORTED, "skipped")
    with_dosage = site(line(format="DS"), dosage="DS")
    assert isinstance(with_dosage, Site)
    assert (with_dosage.gt, with_dosage.dosage) == (False, 0)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1\t5\t.\tA", "it has fewer columns than the header says"),
        (vcf_line("1", 5, "A", "C", ["0/1"]), "it has another number of columns than the header says"),
        (line().encode().replace(b"chr1", b"chr\xff").rstrip(), "it is not UTF-8"),
        (line(pos=-5), "it has no chromosome or no position"),
        (line(pos=1 << 31), "it has no chromosome or no position"),
        (line(pos="9" * 4000), "it has no chromosome or no position"),
        (line(chrom=""), "it has no chromosome or no position"),
        (line(ref="A-"), "its REF is no sequence of bases"),
        (line(alt="C,"), "an alternative is no allele"),
        (line(alt="C,?"), "an alternative is no allele"),
        (line(format="DS:GT"), "GT is not the first of its FORMAT"),
    ],
)
def test_what_is_no_record_is_unreadable_and_says_why(text: str | bytes, reason: str) -> None:
    found = site(text)
    assert isinstance(found, Refused)
    assert (found.outcome, found.status, found.reason) == ("unreadable", Status.UNREADABLE, reason)


def test_a_record_with_ref_alone_and_symbolic_alleles_are_kept_where_the_settings_say_so() -> None:
    alone = site(line(alt="."))
    assert isinstance(alone, Site)
    assert (alone.alts, alone.n_alleles) == ((), 1)
    symbolic = site(line(alt="<DEL>,*,C"), symbolic="keep")
    assert isinstance(symbolic, Site)
    assert (symbolic.alts, symbolic.note) == (((1, "<DEL>"), (2, "*"), (3, "C")), None)


def test_trouble_of_the_line_is_that_of_the_record() -> None:
    found = site_of(Line(b"", Fault(Status.TOO_LARGE, "too long")), 2, VcfInput(format="vcf", uri="u"))
    assert found == Refused("unreadable", Status.TOO_LARGE, "too long")
