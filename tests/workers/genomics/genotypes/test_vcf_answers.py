"""What VCF says and what it leaves out, down to the score: held against plink2, or against arithmetic."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.support.genotype_tables import HEADER, columns_of, vcf_line
from tests.support.plink2 import needs_plink2, run_plink2
from tests.support.vcf_scores import catalog_file, read_lines, score_lines

MALE, FEMALE = 1, 2
BASES = "ACGT"


def patient(seed: int, sites: int) -> tuple[list[str], list[str], list[tuple[int, int, str, str, float]]]:
    """An all-sites VCF of one person, the same as a gVCF whose neighbouring reference sites are one block, and rows of
    a score: at each site, of either allele, some on the other strand."""
    random = np.random.default_rng(seed)
    all_sites, blocks, rows = [], [], []
    open_block: tuple[int, str, int] | None = None
    for number in range(sites):
        pos = 1000 + number
        ref, alt = random.permutation(list(BASES))[:2].tolist()
        genotype = str(random.choice(["0/0", "0/0", "0/1", "1/1", "./."], p=[0.4, 0.2, 0.2, 0.15, 0.05]))
        effect, other = (ref, alt) if random.random() < 0.5 else (alt, ref)
        rows.append((1, pos, effect, other, float(random.normal().__round__(4))))
        is_variant = genotype in ("0/1", "1/1")
        all_sites.append(vcf_line("1", pos, ref, alt if is_variant else ".", [genotype], id=f"v{pos}"))
        if genotype == "0/0":
            first = open_block or (pos, ref, pos)
            open_block = (first[0], first[1], pos)
            continue
        if open_block is not None:
            blocks.append(block(*open_block))
            open_block = None
        alts = f"{alt},<NON_REF>" if is_variant else "<NON_REF>"
        blocks.append(vcf_line("1", pos, ref, alts, [genotype]))
    if open_block is not None:
        blocks.append(block(*open_block))
    return all_sites, blocks, rows


def block(first: int, ref: str, last: int) -> str:
    return vcf_line("1", first, ref, "<NON_REF>", ["0/0"], info=f"END={last}")


@needs_plink2
@pytest.mark.parametrize("seed", [1, 2])
def test_a_gvcf_of_one_person_scores_as_plink2_scores_its_all_sites_twin(tmp_path: Path, seed: int) -> None:
    all_sites, blocks, rows = patient(seed, 150)
    refs = {int(line.split("\t")[1]): line.split("\t")[3] for line in all_sites}
    (tmp_path / "in.vcf").write_text(HEADER.replace("chr1", "1") + columns_of(["P1"]) + "".join(all_sites))
    weights = "".join(f"v{pos}\t{effect}\t{weight}\n" for _, pos, effect, _, weight in rows)
    (tmp_path / "w.txt").write_text(weights)
    asked = ["w.txt", "no-mean-imputation", "cols=+scoresums"]
    run_plink2(tmp_path, ["--vcf", "in.vcf", "--score", *asked, "--out", "theirs"])
    theirs = pl.read_csv(tmp_path / "theirs.sscore", separator="\t")
    score = catalog_file(tmp_path / "s.txt", rows)
    twin = score_lines(all_sites, 1, score)
    ours = score_lines(blocks, 1, score, bases=lambda chrom, positions: [refs[pos] for pos in positions])
    assert twin.sums == pytest.approx([theirs["SCORE1_SUM"][0]], rel=1e-5)
    assert ours.sums == pytest.approx(twin.sums, abs=1e-9)
    assert ours.alleles == twin.alleles
    # plink2 passes over effect alleles that a site without ALT does not name: they are alleles that nobody has.
    assert theirs["NAMED_ALLELE_DOSAGE_SUM"][0] == pytest.approx(ours.matched.entries.height and named(all_sites, rows))
    assert set(ours.matched.log["outcome"]) == {"matched"}


def named(lines: list[str], rows: list[tuple[int, int, str, str, float]]) -> float:
    """Copies of effect alleles that are called."""
    copies = 0
    for line, (_, _, effect, _, _) in zip(lines, rows, strict=True):
        fields = line.rstrip("\n").split("\t")
        alleles = [fields[3], *fields[4].split(",")]
        copies += sum(call != "." and alleles[int(call)] == effect for call in fields[9].split("/"))
    return float(copies)


def test_without_a_reference_only_the_first_base_of_a_block_is_known_and_the_log_says_so(tmp_path: Path) -> None:
    score = catalog_file(tmp_path / "s.txt", [(1, 10, "A", "G", 1), (1, 11, "A", "G", 1), (1, 21, "A", "G", 1)])
    found = score_lines([vcf_line("1", 10, "A", "<NON_REF>", ["0/0"], info="END=20")], 1, score)
    assert found.matched.log["reason"].to_list() == [None, "unknown_base", "no_variant"]
    assert found.copies == [2]
    (warning,) = found.matched.summary["warning"]
    assert warning == "1 of its rows lie within reference blocks, whose bases input.reference would tell"


def test_a_call_of_an_allele_that_a_block_does_not_name_is_missing(tmp_path: Path) -> None:
    score = catalog_file(tmp_path / "s.txt", [(1, 10, "A", "G", 1), (1, 11, "C", "T", 1)])
    lines = [vcf_line("1", 10, "A", "<NON_REF>", ["0/1"]), vcf_line("1", 11, "T", "C,<NON_REF>", ["1/2"])]
    assert score_lines(lines, 1, score).copies == [None]


def test_a_palindromic_snp_at_a_site_without_alternative_is_as_ambiguous_as_elsewhere(tmp_path: Path) -> None:
    from workers.genomics.scores.settings import Match

    score = catalog_file(tmp_path / "s.txt", [(1, 10, "A", "T", 1), (1, 11, "A", "G", 1)])
    lines = [vcf_line("1", pos, "A", ".", ["0/0"]) for pos in (10, 11)]
    found = score_lines(lines, 1, score, how=Match(min_overlap=0))
    assert found.matched.log["reason"].to_list() == ["ambiguous", None]


@needs_plink2
@pytest.mark.parametrize("form", ["DS", "HDS", "GP"])
def test_dosages_of_a_vcf_that_plink2_exports_score_as_in_plink2(tmp_path: Path, form: str) -> None:
    """plink2 leaves a dosage out where the call says it all."""
    random = np.random.default_rng(3)
    samples, sites = 12, 40
    lines = [HEADER.replace("chr1", "1"), columns_of([f"s{at}" for at in range(samples)])]
    for number in range(sites):
        copies = random.choice([0, 1, 2], samples) + random.choice([0, 0, 0.2, -0.3], samples)
        genotypes = ["./.:." if random.random() < 0.1 else f"{_gt(c)}:{c:.3f}" for c in copies.clip(0, 2)]
        lines.append(vcf_line("1", 100 + number, "A", "C", genotypes, format="GT:DS", id=f"v{number}"))
    (tmp_path / "in.vcf").write_text("".join(lines))
    run_plink2(tmp_path, ["--vcf", "in.vcf", "dosage=DS", "--make-pgen", "--out", "d"])
    run_plink2(tmp_path, ["--pfile", "d", "--export", "vcf", f"vcf-dosage={form}", "--out", "sparse"])
    weights = random.normal(size=sites).round(4)
    (tmp_path / "w.txt").write_text("".join(f"v{n}\t{'AC'[n % 2]}\t{w}\n" for n, w in enumerate(weights)))
    asked = ["w.txt", "no-mean-imputation", "cols=+scoresums"]
    run_plink2(tmp_path, ["--pfile", "d", "--score", *asked, "--out", "theirs"])
    theirs = pl.read_csv(tmp_path / "theirs.sscore", separator="\t")
    body = [line for line in (tmp_path / "sparse.vcf").read_text().splitlines() if not line.startswith("#")]
    score = catalog_file(tmp_path / "s.txt", [(1, 100 + n, "AC"[n % 2], "CA"[n % 2], w) for n, w in enumerate(weights)])
    ours = score_lines(body, samples, score, dosage=form)
    np.testing.assert_allclose(ours.sums, theirs["SCORE1_SUM"].to_numpy(), atol=2e-2 if form == "GP" else 5e-4)
    assert ours.alleles == theirs["ALLELE_CT"].to_list()


def _gt(copies: float) -> str:
    return ("0/0", "0/1", "1/1")[round(copies)]


def test_a_sample_without_a_dosage_has_that_of_its_call_and_both_are_counted(tmp_path: Path) -> None:
    line = vcf_line("1", 10, "A", "C", ["0/1", "1/1:1.9", "./.", "0/0:."], format="GT:DS")
    score = catalog_file(tmp_path / "s.txt", [(1, 10, "C", "A", 1)])
    found = score_lines([line], 4, score, dosage="DS")
    assert found.copies == [1, pytest.approx(1.9, abs=1e-4), None, 0]
    assert found.records.outcomes["n_undosed"].to_list() == [2]
    assert found.records.applied == {"dosage"}


@pytest.mark.parametrize(
    ("form", "calls", "right"),
    [
        ("GP", ["0/1:0.1,0.8,0.1", "0/0:1,0,0", "./.:0,0,0", "1/1"], [1, 0, None, 2]),
        ("HDS", ["0|1:0.1,0.9", "0|0:0,0", "./.:.", "1|1:1,1"], [1, 0, None, 2]),
    ],
)
def test_probabilities_and_haplotypes_are_read_as_copies(
    tmp_path: Path, form: str, calls: list[str], right: list[float | None]
) -> None:
    line = vcf_line("1", 10, "A", "C", calls, format=f"GT:{form}")
    score = catalog_file(tmp_path / "s.txt", [(1, 10, "C", "A", 1)])
    assert score_lines([line], 4, score, dosage=form).copies == pytest.approx(right, abs=1e-4)


def test_probabilities_of_several_alternatives_and_of_one_allele_are_in_the_order_of_vcf(tmp_path: Path) -> None:
    calls = ["1/2:0,0,0,0,1,0", "0/2:0,0,0,1,0,0", "1/1:0,0,1,0,0,0", "2:0,0,1"]
    line = vcf_line("1", 10, "A", "C,G", calls, format="GT:GP")
    for effect, right in (("C", [1, 0, 2, 0]), ("G", [1, 1, 0, 1]), ("A", [0, 1, 0, 0])):
        score = catalog_file(tmp_path / "s.txt", [(1, 10, effect, "", 1)])
        assert score_lines([line], 4, score, dosage="GP").copies == pytest.approx(right, abs=1e-4)


def test_men_of_whom_the_sex_is_given_have_one_copy_on_x_and_women_and_the_autosomes_two(tmp_path: Path) -> None:
    lines = [vcf_line("X", 5_000_000, "A", "C", ["1/1", "1/1", "0/1"]), vcf_line("X", 20_000, "A", "C", ["1/1"] * 3)]
    score = catalog_file(tmp_path / "s.txt", [("X", 5_000_000, "C", "A", 1), ("X", 20_000, "C", "A", 10)])
    found = score_lines(lines, 3, score, sex=[MALE, FEMALE, MALE])
    # The second lies in the pseudo-autosomal region; a heterozygous call of a man is half a copy, as plink2 has it.
    assert found.sums == [21, 22, 20.5]
    assert found.alleles == [3, 4, 3]


def test_calls_of_low_quality_are_missing_and_counted_and_what_has_no_quality_stands(tmp_path: Path) -> None:
    line = vcf_line("1", 10, "A", "C", ["0/1:10:30", "1/1:40:3", "1/1:.:.", "0/1"], format="GT:GQ:DP")
    score = catalog_file(tmp_path / "s.txt", [(1, 10, "C", "A", 1)])
    found = score_lines([line], 4, score, min_gq=20, min_dp=5)
    assert found.copies == [None, None, 2, 1]
    assert found.records.outcomes["n_filtered"].to_list() == [2]
    assert found.records.applied == {"min_gq", "min_dp"}
    dosed = vcf_line("1", 10, "A", "C", ["0/1:10:1.2", "1/1:40:1.8"], format="GT:GQ:DS")
    assert score_lines([dosed], 2, score, min_gq=20, dosage="DS").copies == [None, pytest.approx(1.8, abs=1e-4)]


def test_a_variant_with_dosages_on_y_beside_others_is_scored(tmp_path: Path) -> None:
    lines = [
        vcf_line("1", 10, "A", "C", ["0/1:0.9", "1/1:1.9"], format="GT:DS"),
        vcf_line("Y", 9_000_000, "A", "C", ["1:1", "0:0"], format="GT:DS"),
    ]
    score = catalog_file(tmp_path / "s.txt", [(1, 10, "C", "A", 1), ("Y", 9_000_000, "C", "A", 10)])
    for cut in (1, 2):
        found = score_lines(lines, 2, score, dosage="DS", sex=[MALE, FEMALE], cut=cut)
        assert found.sums == pytest.approx([10.9, 1.9], abs=1e-4)
        assert found.alleles == [3, 2]


def test_calls_are_read_wherever_gt_stands_in_format() -> None:
    lines = [vcf_line("1", 10, "A", "C", ["3:0/1:9", "4:1/1", "5"], format="DP:GT:GQ")]
    found = read_lines(lines, 3)
    assert found.outcomes["outcome"].to_list() == ["converted"]
    assert found.calls.packed[0, 0] == 1 | 2 << 2 | 3 << 4
