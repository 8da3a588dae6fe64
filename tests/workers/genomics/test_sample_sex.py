from __future__ import annotations

import pytest

from schemas.errors import SpecError
from workers.genomics.sample_sex import sexes_of

SAMPLES = ["a", "b", "c"]


@pytest.mark.parametrize(
    "text",
    [
        "#IID\tSEX\na\t1\nb\t2\n",
        "#FID\tIID\tSEX\tPHENO\nf\ta\t1\t9\nf\tb\t2\t9\nf\tc\tNA\t9\n",
        "sample,sex\na,M\nb,female\nc,0\n",
        "\ufeffIID SEX\r\na male\r\nb F\r\n",
        "a 1\nb 2\n",
        "f a 1\nf b 2\nf d 2\n",
        "f a 0 0 1 -9\nf b 0 0 2 -9\n",
        "##note\n#IID\tPAT\tMAT\tSEX\na\t0\t0\t1\nb\t0\t0\t2\n",
    ],
)
def test_sex_is_read_from_whatever_table_says_it(text: str) -> None:
    assert sexes_of(text.encode(), "input.sex", SAMPLES) == [1, 2, 0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("#IID\tSEX\na\t3\n", "line 2 has no sex that is known"),
        ("#IID\tSEX\na\t1\na\t2\n", "line 3 gives a sample another sex"),
        ("#IID\tSEX\nz\t1\n", "has none of the samples"),
        ("", "has none of the samples"),
        ("#IID\tSEX\na\n", "line 2 has fewer columns"),
        ("IID\tAGE\na\t40\n", "line 1 neither names columns IID and SEX"),
    ],
)
def test_what_says_no_sex_is_refused_with_its_line_and_no_id(text: str, told: str) -> None:
    with pytest.raises(SpecError, match=f"^input.sex: .*{told}"):
        sexes_of(text.encode(), "input.sex", SAMPLES)
