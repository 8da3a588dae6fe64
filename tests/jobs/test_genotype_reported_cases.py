"""Genotypes and scores that an earlier release got wrong, end to end: converted, scored, and held against the copies
that a reader of the file counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from schemas.errors import SpecError
from tests.support import runs
from tests.support.genotype_runs import plink2_scores, spec
from tests.support.genotype_tables import HEADER, columns_of, convert_table, vcf_line
from tests.support.plink2 import needs_plink2, run_plink2

NUMBERS = (
    "#pgs_id=PGS000001\n#genome_build=GRCh38\nchr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\n"
)
SIX = ["0/0", "0/1", "0/2", "1/1", "1/2", "2/2"]
FOUR = ["0/0", "0/1", "1/1", "1/0"]
COPIES = [0, 1, 2, 1]
GWAS = [100, 200, 300, 400]
ODDS = np.exp([0.1, 0.2, 0.3, 0.4]).round(6)
Right = Sequence[float | None]


@dataclass(frozen=True)
class Case:
    """Lines of a VCF, the files of a score, and the score of each sample. None is no score at all."""

    lines: Sequence[str]
    score: str
    right: Right
    source: str = ""
    name: str = "PGS000001.txt"
    layout: str | None = None
    files: dict[str, str] = field(default_factory=dict)


def rows(*lines: str) -> str:
    """Behind the header of a scoring file, fields apart by blanks."""
    return NUMBERS + "".join("\t".join(line.split(" ")) + "\n" for line in lines)


def four(positions: Sequence[int] = GWAS) -> list[str]:
    """Sites A>G with the same four calls."""
    return [vcf_line("1", pos, "A", "G", FOUR, id=f"rs{number}") for number, pos in enumerate(positions)]


def table(*columns: str) -> str:
    """A result of an association test: header, and what stands behind chromosome and position, site by site."""
    return "\n".join(" ".join(column.split()) for column in columns) + "\n"


STAR = [vcf_line("1", 100, "A", "C,*", SIX)]
DEL = [vcf_line("1", 100, "A", "C,<DEL>", SIX)]
REF_OF_STAR = rows("1 100 A C 1")
VT = [
    vcf_line("1", 400, "G", "A", ["0/0", "0/1", "0/.", "1/1", "1/.", "./."]),
    vcf_line("1", 400, "G", "T", ["0/0", "0/.", "0/1", "./.", "./1", "1/1"]),
]
SPLIT = [vcf_line("1", 400, "G", "A,T", SIX)]
DOSED = [
    vcf_line("1", 100, "A", "C", ["0/0", "0/1", "0/1:0.983", "1/1"], format="GT:DS"),
    vcf_line("1", 200, "A", "C", ["1/1", "0/1:0.899", "0/0", "1/1:1.5"], format="GT:DS"),
]
OF_REF = [
    vcf_line("1", 100, "A", "G", ["0/1", "1/1"]),
    vcf_line("1", 200, "C", "ALT", ["0/0", "0/0"]),
    vcf_line("1", 300, "G", "ALT", ["0/0", "./."]),
]
ALL_SITES = [line.replace("ALT", ".") for line in OF_REF]
GVCF = [line.replace("ALT", "<NON_REF>").replace("\tG\t50", "\tG,<NON_REF>\t50") for line in OF_REF]
PERSON = rows("1 100 G A 1", "1 200 C T 10", "1 300 A G 100")
UNORDERED = [vcf_line("1", 100, "A", "C", ["5,5:10:0/1", "0,9:9:1/1", "9,0:9:0/0"], format="AD:GQ:GT")]
ON_X = [vcf_line("X", pos, "A", "G", ["1/1", "1/1", "0/0", "0/1"]) for pos in (5_000_000, 20_000)]
BETAS = [0.1, 0.2, 0.3, 0.4]
SUM = [copies * sum(BETAS) for copies in COPIES]
SSF = "chromosome base_pair_location effect_allele other_allele odds_ratio ci_lower ci_upper standard_error p_value"
ASSOC = "CHR SNP BP A1 F_A F_U A2 CHISQ P OR"
PRSICE = "CHR BP SNP A1 A2 N SE P OR INFO MAF"
SAIGE_HEAD = "CHR POS MarkerID Allele1 Allele2 AC_Allele2 AF_Allele2 MissingRate BETA SE Tstat var p.value"
SITES = list(enumerate(zip(GWAS, ODDS, BETAS, strict=True)))
ASSOCIATIONS = {
    "prsice.txt": (table(PRSICE, *(f"1 {pos} rs{n} G A 1000 .01 .5 {o} .9 .3" for n, (pos, o, _) in SITES)), "gwas"),
    "ssf.tsv": (
        table(SSF, *(f"1 {pos} G A {o} .9 1.5 .01 .001" for _, (pos, o, _) in SITES)).replace(" ", "\t"),
        "gwas-catalog",
    ),
    "assoc.txt": (table(ASSOC, *(f"1 rs{n} {pos} G .3 .2 A 9 .001 {o}" for n, (pos, o, _) in SITES)), "plink-assoc"),
    "saige.txt": (
        table(SAIGE_HEAD, *(f"1 {pos} rs{n} A G 30 .3 0 {b} .01 3 .1 .01" for n, (pos, _, b) in SITES)),
        "saige",
    ),
}

CASES = {
    "a star beside an alternative": Case(STAR, REF_OF_STAR, [2, 1, 1, 0, 0, 0]),
    "a deletion beside an alternative": Case(DEL, REF_OF_STAR, [2, 1, 1, 0, 0, 0]),
    # What vt leaves unsaid is missing and never below none.
    "a site that vt has split": Case(VT, rows("1 400 G A 1"), [2, None, None, None, None, None]),
    "other alternatives as missing": Case(
        SPLIT, rows("1 400 G A 1"), [2, None, None, None, None, None], ", other_alts: missing"
    ),
    "other alternatives as they are": Case(SPLIT, rows("1 400 G A 1"), [2, 1, 1, 0, 0, 0]),
    "a dosage left out where the call is certain": Case(
        DOSED, rows("1 100 C A 1", "1 200 C A 1"), [2, 1.899, 0.983, 3.5], ", dosage: DS"
    ),
    "sites without an alternative": Case(ALL_SITES, PERSON, [21, 22]),
    "reference blocks": Case(GVCF, PERSON, [21, 22]),
    "GT behind other fields": Case(UNORDERED, rows("1 100 C A 1"), [1, 2, 0]),
    "men on X in calls of two alleles": Case(
        ON_X,
        rows("X 5000000 G A 1", "X 20000 G A 10"),
        # Position 20,000 is pseudoautosomal.
        [21, 22, 0, 11],
        ", sex: ROOT/sex.txt",
        files={"sex.txt": "#IID\tSEX\ns0\t1\ns1\t2\ns2\t1\ns3\t2\n"},
    ),
    "a position as R writes it": Case(four([100000, 200]), rows("1 1e+05 G A 1", "1 200 G A 1"), [0, 2, 4, 2]),
    "numbers as pandas writes them": Case(four(), rows(*(f"1.0 {pos}.0 G A 1" for pos in GWAS)), [0, 4, 8, 4]),
    "other alleles of which there are two": Case(four(), rows("1 100 G A,T 1"), COPIES),
    "a file that is shorter than its header says": Case(
        four(), rows("1 100 G A -0.8").replace("#genome", "#variants_number=3\n#genome"), [-0.8 * c for c in COPIES]
    ),
    **{
        f"the table of an association test {name}": Case(four(), text, SUM, name=name, layout=layout)
        for name, (text, layout) in ASSOCIATIONS.items()
    },
}


def scored(root: Path, case: Case) -> pl.DataFrame:
    """Rows of a run over the converted lines."""
    samples = max(len(line.split("\t")) - 9 for line in case.lines)
    (root / "a.vcf").write_text(HEADER + columns_of([f"s{at}" for at in range(samples)]) + "".join(case.lines))
    (root / "scores").mkdir()
    (root / "scores" / case.name).write_text(case.score)
    for name, text in case.files.items():
        (root / name).write_text(text)
    if case.layout is not None:
        (root / "scores/layout.yaml").write_text(f"layout: {case.layout}\n")
    source = f"format: vcf, uri: ROOT/a.vcf, build: GRCh38{case.source}".replace("ROOT", str(root))
    convert_table(source, root / "converted")
    more = "prepare: [{match: {min_overlap: 0}}, {impute: {missing: none}}]"
    runs.run(spec(root, "format: table, uri: ROOT/converted/table", more=more))
    return runs.rows(root / "out")


def summary(root: Path) -> list[dict[str, object]]:
    """What matching says of each score."""
    return pl.read_parquet(root / "out/stages/match/rows/*.parquet").to_dicts()


@pytest.mark.parametrize("name", CASES)
def test_each_sample_has_the_score_that_its_calls_give_it(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    found = scored(tmp_path, case)
    (said,) = summary(tmp_path)
    values = found[str(said["score"])].to_list()
    assert [value is None for value in values] == [right is None for right in case.right]
    assert [v for v in values if v is not None] == pytest.approx([r for r in case.right if r is not None], abs=1e-3)
    assert (said["matched"], said["excluded"], said["unmatched"]) == (said["n_variants"], 0, 0)
    assert said["warning"] == (
        "its header says 3 variants, and it has 1 row" if "variants_number" in case.score else None
    )


@pytest.mark.parametrize("name", ASSOCIATIONS)
def test_the_table_of_an_association_test_is_no_score_unless_somebody_says_so(tmp_path: Path, name: str) -> None:
    text, layout = ASSOCIATIONS[name]
    with pytest.raises(SpecError, match=f"{name}: has columns of an association test.*layout: {layout}"):
        scored(tmp_path, Case(four(), text, [], name=name))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("asked", ["DOSE", "GP"])
def test_a_dosage_that_no_record_has_is_refused_by_its_name(tmp_path: Path, asked: str) -> None:
    with pytest.raises(SpecError, match=f"input.dosage asks for {asked}, and no header .* declares it"):
        scored(tmp_path, Case(DOSED, rows("1 100 C A 1"), [], f", dosage: {asked}"))


def test_a_score_of_another_build_that_does_not_say_so_is_named_and_no_score(tmp_path: Path) -> None:
    far = rows(*(f"1 {pos + 7} G A 1" for pos in GWAS)).replace("#genome_build=GRCh38\n", "")
    found = scored(tmp_path, Case(four(), far, []))
    assert found["status"].to_list() == ["low_overlap"] * len(FOUR)
    assert found["PGS000001"].null_count() == len(FOUR)
    (said,) = summary(tmp_path)
    assert (said["matched"], said["verdict"]) == (0, "low_overlap")
    assert "genotypes are said to be GRCh38" in str(said["detail"])


@needs_plink2
@pytest.mark.parametrize(
    "source", ["format: pgen, uri: ROOT/a.pgen, chunk_bytes: 300", "format: table, uri: ROOT/t/table"]
)
def test_dosages_beside_a_variant_on_y_score_as_in_plink2(tmp_path: Path, source: str) -> None:
    chance = np.random.default_rng(7)
    sites = [("1", 1000), ("1", 1001), ("1", 1002), ("Y", 5_000_000)]
    names = [f"s{at}" for at in range(60)]
    men = np.arange(60) % 2 == 0
    lines = []
    for chrom, pos in sites:
        copies = chance.uniform(0, 2, 60).round(3)
        calls = [f"{int(copy > 1)}/1:{copy}" if chrom == "1" else f"{int(copy > 1)}" for copy in copies]
        if chrom == "Y":
            calls = [call if man else "." for call, man in zip(calls, men, strict=True)]
        lines.append(vcf_line(chrom, pos, "A", "C", calls, id=f"v{pos}", format="GT:DS" if chrom == "1" else "GT"))
    (tmp_path / "a.vcf").write_text(
        HEADER.replace("chrX", "Y").replace("chr1", "1") + columns_of(names) + "".join(lines)
    )
    sexes = "".join(f"{name}\t{1 if man else 2}\n" for name, man in zip(names, men, strict=True))
    (tmp_path / "sex.psam").write_text("#IID\tSEX\n" + sexes)
    run_plink2(tmp_path, ["--vcf", "a.vcf", "dosage=DS", "--psam", "sex.psam", "--make-pgen", "--out", "a"])
    (tmp_path / "scores").mkdir()
    (tmp_path / "scores/s.txt").write_text(rows(*(f"{chrom} {pos} C A 1" for chrom, pos in sites)))
    convert_table(f"format: pgen, uri: {tmp_path}/a.pgen, build: GRCh38", tmp_path / "t")
    runs.run(spec(tmp_path, source, more="prepare: [{columns: {average: true}}]"))
    weights = pl.DataFrame({"id": [f"v{pos}" for _, pos in sites], "effect": ["C"] * 4, "weight": [1.0] * 4})
    oracle = plink2_scores(tmp_path, ["--pfile", tmp_path / "a"], weights)
    found = runs.rows(tmp_path / "out")
    assert found["record_id"].to_list() == oracle["IID"].to_list()
    np.testing.assert_allclose(found["PGS000001"].to_numpy(), oracle["SCORE1_SUM"].to_numpy(), rtol=6e-6)
    np.testing.assert_allclose(found["PGS000001_avg"].to_numpy(), oracle["SCORE1_AVG"].to_numpy(), rtol=6e-6)
    assert found["allele_ct"].list.first().to_list() == oracle["ALLELE_CT"].to_list() == [7, 6] * 30
