"""`wardround plan --sample` of each kind of conversion: some parts are read, and the dataset is not written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.cli import Wardround
from tests.support.meds import CASES, convert_spec
from tests.support.plink_files import cohort, write_bed, write_pgen

SAMPLES, VARIANTS = 5, 40
VCF = """##fileformat=VCFv4.2
##contig=<ID=1,length=100000>
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb
"""


def source(kind: str, folder: Path) -> str:
    """The inside of `input:` for a small source of this kind."""
    folder.mkdir()
    if kind in ("omop", "fhir"):
        return f"format: {kind}, uri: {CASES / kind}"
    if kind == "vcf":
        lines = "".join(f"1\t{100 + row}\t.\tA\tG\t.\t.\t.\tGT\t0/1\t1/1\n" for row in range(VARIANTS))
        (folder / "calls.vcf").write_text(VCF + lines)
        return f"format: vcf, uri: {folder / 'calls.vcf'}"
    write = {"bed": write_bed, "pgen": write_pgen}[kind]
    return f"format: {kind}, uri: {write(folder, cohort(SAMPLES, VARIANTS))}"


@pytest.mark.parametrize(
    ("kind", "stages", "statuses", "shown"),
    [
        ("omop", ["scan", "versions", "read"], {"ok"}, {"outcome", "kind", "n_events"}),
        ("fhir", ["scan", "versions", "read"], {"ok", "unreadable"}, {"outcome", "kind", "n_events"}),
        ("vcf", ["read", "variants", "account"], {"ok"}, {"outcome", "chrom", "pos", "n_variants"}),
        ("bed", ["read", "variants", "account"], {"ok"}, {"outcome", "chrom", "pos", "n_variants"}),
        ("pgen", ["read", "variants", "account"], {"ok"}, {"outcome", "chrom", "pos", "n_variants"}),
    ],
)
def test_a_sample_of_a_conversion_says_what_becomes_of_records_and_how_long_all_would_take(
    wardround: Wardround, tmp_path: Path, kind: str, stages: list[str], statuses: set[str], shown: set[str]
) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(convert_spec(source(kind, tmp_path / "in"), str(tmp_path / "out")))
    said = wardround("plan", spec, "--sample", "3", "--workers", "2", "--json")
    assert said.code == 0
    facts = json.loads(said.out)
    assert facts["stages"][:3] == stages
    assert facts["sampled"] == sum(facts["sample_statuses"].values()) > 0
    assert set(facts["sample_statuses"]) == statuses
    assert all(shown <= set(values) for values in facts["sample_values"])
    assert 0 <= facts["hours"] < 1
    assert not (tmp_path / "out").exists()


def test_a_sample_of_omop_prints_its_tables_and_what_a_row_leaves_out(wardround: Wardround, tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(convert_spec(source("omop", tmp_path / "in"), str(tmp_path / "out")))
    said = wardround("plan", spec, "--sample", "10").out.splitlines()
    rows = {line[:14].strip(): line[15:] for line in said}
    assert rows["chunks"].startswith("concept 1, condition_occurrence 2, cost 1, death 1")
    assert rows["tried"] == "26 records"
    assert rows["statuses"].startswith("ok 22, unreadable 4")
    assert "on 1 such workers" in rows["forecast"]
