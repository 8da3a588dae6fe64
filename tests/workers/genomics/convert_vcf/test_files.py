from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from tests.support.genotype_tables import HEADER, columns_of, convert_table, variants_of, vcf_line
from workers.genomics.convert_vcf.files import VcfFiles
from workers.genomics.convert_vcf.settings import VcfInput

SAMPLES = ["m", "f", "u"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    lines = [vcf_line("chrX", 5_000_000, "A", "C", ["1/1", "0/1", "0/0"]), vcf_line("chr1", 5, "A", "C", ["0/1"] * 3)]
    (tmp_path / "in.vcf").write_text(HEADER + columns_of(SAMPLES) + "".join(lines))
    return tmp_path / "in.vcf"


def files(path: Path, **settings: Any) -> VcfFiles:
    return VcfFiles(VcfInput(format="vcf", uri=str(path), **settings), StorageSettings())


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"dosage": "DOSE"}, r"input\.dosage asks for DOSE, and no header .* as FORMAT \(it has AD, DS, GT\)"),
        ({"min_gq": 20}, r"input\.min_gq asks for GQ"),
        ({"min_dp": 20}, r"input\.min_dp asks for DP"),
        ({"min_info": {"R2": 0.3}}, r"input\.min_info: R2 asks for R2, and no header .* as INFO \(it has AF, END\)"),
    ],
)
def test_a_field_that_no_header_declares_is_an_error_that_names_those_that_it_does(
    path: Path, settings: dict[str, Any], told: str
) -> None:
    with pytest.raises(SpecError, match=told):
        list(files(path, **settings).chunks())


def test_a_header_that_declares_nothing_is_no_evidence(path: Path) -> None:
    path.write_text("##fileformat=VCFv4.2\n" + columns_of(SAMPLES))
    assert len(list(files(path, dosage="DOSE").chunks())) == 1


def test_a_field_that_is_declared_and_that_no_record_has_ends_the_conversion(path: Path) -> None:
    with pytest.raises(SpecError, match=r"input\.dosage asks for DS, which no record has"):
        convert_table(f"format: vcf, uri: {path}, dosage: DS", path.parent / "out")


def test_men_have_one_copy_on_x_where_a_table_says_who_they_are(path: Path) -> None:
    sexes = path.parent / "sex.txt"
    sexes.write_text("#IID\tSEX\nm\t1\nf\t2\n")
    assert files(path, sex=str(sexes)).samples["sex"].to_list() == [1, 2, 0]
    store = convert_table(f"format: vcf, uri: {path}, build: GRCh38, sex: {sexes}", path.parent / "out")
    counts = variants_of(store).select("chrom", "alt_count", "allele_count").rows()
    assert counts == [("1", 3, 6), ("X", 2, 5)]


@pytest.mark.parametrize("text", [None, "#IID\tSEX\nz\t1\n"])
def test_a_table_of_sex_that_is_not_there_or_of_others_is_an_error(path: Path, text: str | None) -> None:
    if text is not None:
        (path.parent / "sex.txt").write_text(text)
    with pytest.raises(SpecError, match=r"^input\.sex: "):
        files(path, sex=str(path.parent / "sex.txt")).state()


def test_a_file_with_another_ending_is_named_as_one(path: Path) -> None:
    with pytest.raises(SpecError, match=r"is a file that does not end with \.vcf"):
        list(files(path.rename(path.with_suffix(".txt"))).chunks())
