from __future__ import annotations

import pytest

from schemas.errors import SpecError
from workers.genomics.chromosomes import in_pseudo_autosomal, is_haploid, normalise


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("1", "1"), ("01", "1"), ("chr1", "1"), ("CHR22", "22"), ("22", "22"), ("23", "X"), ("chrx", "X"), ("24", "Y"),
        ("25", "XY"), ("PAR2", "XY"), ("26", "MT"), ("M", "MT"), ("chrM", "MT"), ("mt", "MT"),
        ("chr1_KI270706v1_random", "chr1_KI270706v1_random"), ("27", "27"), ("0", "0"), ("001", "001"),
    ],
)  # fmt: skip
def test_a_chromosome_has_one_name_whatever_it_is_called(name: str, normal: str) -> None:
    assert normalise(name) == normal


def test_men_have_one_x_outside_of_the_pseudo_autosomal_regions() -> None:
    assert is_haploid("X", 1)
    assert not is_haploid("X", 2)
    assert not is_haploid("XY", 1)
    assert is_haploid("MT", 2)
    assert in_pseudo_autosomal(2_699_520, "GRCh37")
    assert not in_pseudo_autosomal(2_699_521, "GRCh37")
    assert in_pseudo_autosomal(155_701_383, "GRCh38")
    assert not in_pseudo_autosomal(155_701_382, "GRCh38")
    with pytest.raises(SpecError, match="GRCh36"):
        in_pseudo_autosomal(1, "GRCh36")
