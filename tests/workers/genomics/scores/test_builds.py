from __future__ import annotations

import polars as pl
import pytest

from workers.genomics.scores.builds import chromosome_key, normal_build


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("hg19", "GRCh37"),
        ("GRCh37.p13", "GRCh37"),
        (" b38 ", "GRCh38"),
        ("NCBI36", "GRCh36"),
        ("T2T-CHM13v2.0", "T2T-CHM13v2.0"),
        ("NR", None),
        ("na", None),
        ("", None),
        (None, None),
        ("a build; with words", None),
        ("x" * 33, None),
    ],
)
def test_a_build_has_one_name_or_none(said: str | None, expected: str | None) -> None:
    assert normal_build(said) == expected


def test_names_of_one_chromosome_have_one_key() -> None:
    said = {
        "1": ["1", "chr1", "CHR01", " 01 "],
        "10": ["10", "chr10"],
        "X": ["X", "chrx", "23", "25", "XY", "PAR1", "chrPAR2"],
        "Y": ["y", "24"],
        "MT": ["M", "chrM", "MT", "26"],
        "GL000192.1": ["gl000192.1"],
    }
    names = [name for some in said.values() for name in some]
    keys = pl.DataFrame({"c": names}).select(chromosome_key("c"))["c"].to_list()
    assert keys == [key for key, some in said.items() for _ in some]
