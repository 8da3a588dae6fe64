from __future__ import annotations

import pytest

from schemas.errors import SpecError
from workers.genomics.files.oxford_sample import read_sample

HEAD = "ID_1 ID_2 missing sex pheno\n0 0 0 D B\n"


def rows(text: str) -> list[tuple[object, ...]]:
    return read_sample(text.encode(), "x.sample").select("sample_idx", "fid", "iid", "sex").rows()


def test_families_samples_and_sexes_are_read_whatever_stands_beside_them() -> None:
    assert rows(HEAD + "f a 0 1 0\n0 b 0.1 2 1\nf\tc 0 NA 1\n") == [
        (0, "f", "a", 1),
        (1, None, "b", 2),
        (2, "f", "c", 0),
    ]
    assert rows("ID_1 ID_2 missing\n0 0 0\n1 1 0\n") == [(0, "1", "1", 0)]
    assert rows("ID missing SEX\r\n0 0 D\r\na 0 2\r\n") == [(0, None, "a", 2)]
    assert rows("ID_1 ID_2 missing\n0 0 0\n") == []


@pytest.mark.parametrize(
    "text", ["", "a b 0\n", "ID_1 ID_2 missing\n", "ID_1 ID_2 missing\na a 0\n", "#IID\ts\n0\t0\n"]
)
def test_what_does_not_begin_with_two_lines_of_header_is_refused(text: str) -> None:
    with pytest.raises(SpecError, match=r"'x\.sample' does not begin as a \.sample file"):
        rows(text)


def test_lines_that_are_too_short_or_come_twice_are_named() -> None:
    with pytest.raises(SpecError, match="line 4 has an empty field or fewer"):
        rows("ID_1 ID_2 missing\n0 0 0\na a 0\nb\n")
    with pytest.raises(SpecError, match="line 4 repeats the ids"):
        rows("ID_1 ID_2 missing\n0 0 0\na a 0\na a 0\n")
