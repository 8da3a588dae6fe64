from __future__ import annotations

import pytest

from workers.genomics.convert_vcf.genotypes import ABSENT, MALFORMED, MISSING, POLYPLOID, parse_calls


def calls(*sections: str) -> tuple[list[list[tuple[int, int]]], dict[int, str]]:
    samples = sections[0].count("\t") + 1 if sections else 2
    found = parse_calls([section.encode() for section in sections], samples)
    pairs = [list(zip(*row, strict=True)) for row in zip(found.first.tolist(), found.second.tolist(), strict=True)]
    return pairs, found.trouble


@pytest.mark.parametrize(
    ("call", "alleles"),
    [
        ("0/1", (0, 1)),
        ("1|0", (1, 0)),
        ("./.", (MISSING, MISSING)),
        (".", (MISSING, ABSENT)),
        ("1", (1, ABSENT)),
        ("./1", (MISSING, 1)),
        ("10/2", (10, 2)),
        ("2/10", (2, 10)),
        ("12", (12, ABSENT)),
        ("|0|1", (0, 1)),
        ("/1", (1, ABSENT)),
        ("16383/0", (16_383, 0)),
    ],
)
@pytest.mark.parametrize("rest", ["", ":12,3", ":"])
def test_a_call_is_the_numbers_of_its_alleles_alone_and_among_others(
    call: str, alleles: tuple[int, int], rest: str
) -> None:
    assert calls(call + rest) == ([[alleles]], {})
    assert calls(f"0/0{rest}\t{call}{rest}\t1/1") == ([[(0, 0), alleles, (1, 1)]], {})


@pytest.mark.parametrize(
    ("call", "trouble"),
    [
        ("0/0/1", POLYPLOID),
        ("./././.", POLYPLOID),
        ("0-1", MALFORMED),
        ("", MALFORMED),
        ("A/C", MALFORMED),
        ("0/", MALFORMED),
        ("16384", MALFORMED),
        ("123456789012345678901/0", MALFORMED),
        ("-1/0", MALFORMED),
        ("0/1x", MALFORMED),
    ],
)
def test_a_line_with_a_call_that_is_none_says_why_and_its_neighbours_are_read(call: str, trouble: str) -> None:
    pairs, found = calls("0/1\t1/1", f"0/0\t{call}", "1\t0")
    assert found == {1: trouble}
    assert (pairs[0], pairs[2]) == ([(0, 1), (1, 1)], [(1, ABSENT), (0, ABSENT)])


def test_fields_of_equal_and_of_other_lengths_say_the_same() -> None:
    equal, _ = calls("0/1\t1|1\t./.", "0/0\t0/1\t1/0")
    other, _ = calls("0/1:7\t1|1\t./.:", "0/0\t0/1:1,2\t1/0")
    assert equal == other


def test_without_lines_there_are_no_calls() -> None:
    assert parse_calls([], 2).first.shape == (0, 2)
