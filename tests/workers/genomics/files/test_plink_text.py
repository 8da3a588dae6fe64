from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from schemas.errors import SpecError
from tests.support.plink_files import cohort, write_pgen
from workers.genomics.files.bim_fam import read_fam
from workers.genomics.files.pgen import PgenSource
from workers.genomics.files.plink_text import read_columns
from workers.genomics.files.pvar_psam import read_psam, read_pvar


def test_a_pvar_has_header_lines_and_more_columns() -> None:
    body = b"##file=x\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\nchrX\t5\t.\ta\tC,<DEL>\t.\t.\tAC=1;X=a b\n"
    table = read_pvar(body, "x.pvar")
    assert table.rows() == [(0, "X", 5, None, "A", "C", 0, 1), (1, "X", 5, None, "A", "<DEL>", 0, 2)]


@pytest.mark.parametrize("body", [b"1 rs1 0 7 C A\n2 rs2 0 9 G T\n", b"1\trs1\t7\tC\tA\n2\trs2\t9\tG\tT\n"])
def test_a_pvar_without_header_has_the_columns_of_a_bim(body: bytes) -> None:
    rows = [(0, "1", 7, "rs1", "A", "C", 0, 1), (1, "2", 9, "rs2", "T", "G", 1, 1)]
    assert read_pvar(body, "x.pvar").rows() == rows


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        (b"#FID\tIID\tPAT\tMAT\tSEX\nf\ta\t0\t0\t1\n0\tb\t0\t0\tF\n", [(0, "f", "a", 1), (1, None, "b", 2)]),
        (b"##x\n#IID SEX\na NA\nb m\n", [(0, None, "a", 0), (1, None, "b", 1)]),
        (b"#IID\na\n", [(0, None, "a", 0)]),
        (b"f a 0 0 2 -9\r\nf b 0 0 3 -9\r\n", [(0, "f", "a", 2), (1, "f", "b", 0)]),
    ],
)
def test_a_psam_has_its_columns_by_name(body: bytes, rows: list[tuple[object, ...]]) -> None:
    assert read_psam(body, "x.psam").rows() == rows


def test_a_pvar_without_alleles_in_its_header_is_refused() -> None:
    with pytest.raises(SpecError, match="no column ALT"):
        read_pvar(b"#CHROM\tPOS\tID\tREF\n1\t5\t.\tA\n", "x.pvar")


def test_an_error_names_the_line_as_an_editor_counts_it() -> None:
    with pytest.raises(SpecError, match="line 4 has a position"):
        read_pvar(b"##x\n#CHROM\tPOS\tID\tREF\tALT\n1\t5\t.\tA\tC\n1\tfive\t.\tA\tC\n", "x.pvar")


def test_the_same_individual_in_two_families_is_two_samples() -> None:
    assert read_fam(b"f a 0 0 1 0\ng a 0 0 1 0\n", "x.fam").height == 2
    with pytest.raises(SpecError, match="line 2 repeats"):
        read_fam(b"0 a 0 0 1 0\n0 a 0 0 1 0\n", "x.fam")


def test_an_empty_fam_has_no_samples() -> None:
    assert read_fam(b"", "x.fam").height == 0


def test_a_damaged_zstandard_file_is_refused(tmp_path: Path) -> None:
    path = write_pgen(tmp_path, cohort(8, 6))
    text = path.with_suffix(".pvar")
    packed = path.with_suffix(".pvar.zst")
    with pa.output_stream(packed, compression="zstd") as stream:
        stream.write(text.read_bytes())
    text.unlink()
    assert PgenSource(str(path)).variants().height == 6
    packed.write_bytes(packed.read_bytes()[:20])
    with pytest.raises(SpecError, match="Zstandard"):
        PgenSource(str(path))


def test_columns_are_found_whatever_separates_them_and_blank_lines_are_no_rows() -> None:
    found = read_columns(b"1 \t rs1\r\n\n  2 rs2 more\n", {0: "chrom", 1: "id"}, "a.bim")
    assert found.rows() == [("1", "rs1"), ("2", "rs2")]
    assert read_columns(b"\n \n", {0: "chrom"}, "a.bim").height == 0
