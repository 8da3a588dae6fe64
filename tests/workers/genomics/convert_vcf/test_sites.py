from __future__ import annotations

from typing import Any

import pytest

from schemas.status import Fault, Status
from tests.support.genotype_tables import vcf_line
from workers.genomics.convert_vcf.lines import Line
from workers.genomics.convert_vcf.settings import VcfInput
from workers.genomics.convert_vcf.sites import Alleles, Fields, Refused, Site, site_of


def site(text: str | bytes, samples: int = 2, **settings: Any) -> Site | Refused:
    data = text if isinstance(text, bytes) else text.rstrip("\n").encode()
    return site_of(Line(data), samples, VcfInput(format="vcf", uri="u", **settings))


def line(ref: str = "A", alt: str = "C", chrom: str = "chr1", pos: Any = 5, **other: str) -> str:
    return vcf_line(chrom, pos, ref, alt, ["0/1", "1/1"], **other)


def test_a_site_has_what_stands_before_its_genotypes() -> None:
    note = "1 of its alternatives are symbolic, breakends or * and were left out"
    text = line("a", "c,<DEL>,g", "chr01", id="rs1", format="GT:DS")
    found = site(text, dosage="DS", symbolic="skip")
    alleles = Alleles("A", ((1, "C"), (3, "G")), 4, note)
    assert found == Site("1", 5, None, "rs1", alleles, Fields(0, 1), b"0/1\t1/1")
    assert alleles.left_out == [2]


@pytest.mark.parametrize(
    ("text", "settings", "reason"),
    [
        (line(alt="<DEL>"), {"symbolic": "skip"}, "its alternatives are symbolic, breakends or *"),
        (line(alt="*,]13:123]T"), {"symbolic": "skip"}, "its alternatives are symbolic, breakends or *"),
        (line(alt="<NON_REF>"), {"monomorphic": "skip"}, "it is a reference block of a gVCF"),
        (line(info="R2=0.2"), {"min_info": {"R2": 0.3}}, "its imputation quality is below min_info"),
        (line(info="AF=0.2"), {"min_info": {"R2": 0.3}}, "it has no R2 in INFO, which min_info asks for"),
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
    assert with_dosage.fields == Fields(None, 0)


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
    ],
)
def test_what_is_no_record_is_unreadable_and_says_why(text: str | bytes, reason: str) -> None:
    found = site(text)
    assert isinstance(found, Refused)
    assert (found.outcome, found.status, found.reason) == ("unreadable", Status.UNREADABLE, reason)


def test_a_record_with_ref_alone_and_symbolic_alleles_are_kept_where_the_settings_say_so() -> None:
    alone = site(line(alt="."))
    assert isinstance(alone, Site)
    assert alone.alleles == Alleles("A", (), 1)
    symbolic = site(line(alt="<DEL>,*,C"))
    assert isinstance(symbolic, Site)
    assert (symbolic.alleles.alts, symbolic.alleles.note) == (((1, "<DEL>"), (2, "*"), (3, "C")), None)


@pytest.mark.parametrize(("alt", "end"), [("<NON_REF>", 90), ("<*>", 90), (".", 90), ("C,<NON_REF>", None)])
def test_a_reference_block_reaches_to_its_end_and_no_variant_does(alt: str, end: int | None) -> None:
    found = site(line(alt=alt, info="DP=7;END=90;X"))
    assert isinstance(found, Site)
    assert (found.pos, found.end) == (5, end)


@pytest.mark.parametrize("info", ["END=4", "END=x", "MEND=90", "END", "."])
def test_an_end_that_is_none_is_none(info: str) -> None:
    found = site(line(alt="<NON_REF>", info=info))
    assert isinstance(found, Site)
    assert found.end is None


def test_calls_are_found_wherever_gt_stands_in_format() -> None:
    found = site("1\t5\t.\tA\tC\t.\t.\t.\tAD:DP:GT:PL\t1,2:3:0/1:4\t5")
    assert isinstance(found, Site)
    assert found.calls == b"0/1\t."


def test_quality_of_each_alternative_leaves_out_those_that_are_poor_and_one_figure_speaks_of_all() -> None:
    found = site(line(alt="C,G", info="DR2=0.9,1e-2"), min_info={"DR2": 0.3})
    assert isinstance(found, Site)
    assert found.alleles.alts == ((1, "C"),)
    assert found.alleles.note == "1 of its alternatives are below min_info and were left out"
    both = site(line(alt="C,G", info="R2=0.9"), min_info={"R2": 0.3})
    assert isinstance(both, Site)
    assert len(both.alleles.alts) == 2


def test_trouble_of_the_line_is_that_of_the_record() -> None:
    found = site_of(Line(b"", Fault(Status.TOO_LARGE, "too long")), 2, VcfInput(format="vcf", uri="u"))
    assert found == Refused("unreadable", Status.TOO_LARGE, "too long")
