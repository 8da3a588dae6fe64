from __future__ import annotations

import numpy as np
import pytest

from workers.genomics.convert_vcf.dosages import parse_dosages

NAN = np.nan


@pytest.mark.parametrize(
    ("text", "field", "alts", "expected"),
    [
        (b"0/1:0.9\t1/1:2\t./.:.", 1, 1, [[0.9, 2, NAN]]),
        (b"0/1:0.9\t0/0\t0/0:0", 1, 1, [[0.9, NAN, 0]]),  # fields at the end may be left out
        (b"0.5,0\t1,1\t.", 0, 2, [[0.5, 1, NAN], [0, 1, NAN]]),
        (b"0.5,.\t1,1", 0, 2, [[0.5, 1], [NAN, 1]]),
        (b"2.0005\t-0.0005", 0, 1, [[2, 0]]),  # within what printing may add
        (b"1e-3\t1.5E0", 0, 1, [[0.001, 1.5]]),
    ],
)
def test_dosages_are_copies_of_each_alternative(
    text: bytes, field: int, alts: int, expected: list[list[float]]
) -> None:
    found = parse_dosages(text, field, alts)
    assert found is not None
    np.testing.assert_allclose(found.copies, expected, atol=1e-12)
    assert not found.single.any()


@pytest.mark.parametrize(
    ("text", "alts"),
    [
        (b"much\t1", 1),
        (b"2.1\t1", 1),
        (b"-0.1\t1", 1),
        (b"nan\t1", 1),
        (b"inf\t1", 1),
        (b"1,1\t1", 1),
        (b"1\t1,1", 2),
        (b"1,1,1\t1,1", 2),
        (b"1\xc3\xa9\t1", 1),
        (b"\t1", 1),
    ],
)
def test_what_is_no_dosage_leaves_the_record_without_any(text: bytes, alts: int) -> None:
    assert parse_dosages(text, 0, alts) is None
