"""One small conversion for every test that reads what its stages left."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.genotype_tables import HEADER, columns_of, convert_table, vcf_line

SAMPLES = ("p", "q", "r")
FIRST = (
    vcf_line("chr2", 5, "A", "C", ["0/1", "1/1", "./."], id="rs5"),
    vcf_line("chr1", 10, "A", "C", ["0/0", "0/1", "1/1"]),
    vcf_line("chr1", 7, "A", "G,T", ["0/1", "1/2", "0/0"], id="rs7"),
    vcf_line("chr1", 8, "A", "<DEL>", ["0/0", "0/1", "0/0"]),
    "chr1\tnowhere\t.\tA\tC\t.\tPASS\t.\tGT\t0/0\t0/0\t0/0\n",
)
SECOND = (
    vcf_line("chrX", 9, "G", "T", ["0", "1", "0/1"]),
    vcf_line("chr1", 10, "A", "C", ["0/0", "0/0", "0/0"]),
    vcf_line("scaffold7", 3, "C", "T", ["0/0", "1/1", "0/0"]),
)


@pytest.fixture(scope="session")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory; the input lies in `in` beside it, as `a.vcf` and `b.vcf`. It is not to be changed."""
    folder = tmp_path_factory.mktemp("converted")
    (folder / "in").mkdir()
    for name, lines in (("a.vcf", FIRST), ("b.vcf", SECOND)):
        (folder / "in" / name).write_text(HEADER + columns_of(SAMPLES) + "".join(lines))
    convert_table(f"format: vcf, uri: {folder / 'in'}, build: GRCh38, symbolic: skip", folder / "out")
    return folder / "out"
