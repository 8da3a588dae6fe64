from __future__ import annotations

import pytest

from workers.genomics.chromosomes import normalise


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
