"""Calls of many lines of VCF at once, as numbers of alleles."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MISSING, ABSENT = -1, -2
"""An allele that is `.`, and the second allele of a haploid call."""
_BAD = -9
_MOST = 1 << 14

_ALLELE = np.full(256, _BAD, np.int16)
_ALLELE[np.frombuffer(b"0123456789", np.uint8)] = np.arange(10)
_ALLELE[ord(".")] = MISSING
_BETWEEN = np.zeros(256, np.uint8)
_BETWEEN[list(b"/|")] = 1
_BETWEEN[list(b":\t")] = 2

POLYPLOID = "a call has more than two alleles"
MALFORMED = "a call is not written as one"


@dataclass(frozen=True)
class AlleleCalls:
    """(lines, samples) each: the number of the first and of the second allele. `trouble` by line: why it has none."""

    first: NDArray[np.int16]
    second: NDArray[np.int16]
    trouble: dict[int, str]


def parse_calls(sections: Sequence[bytes], samples: int) -> AlleleCalls:
    """What follows FORMAT in each line, which begins with GT and has one field a sample."""
    if not sections:
        return AlleleCalls(np.zeros((0, samples), np.int16), np.zeros((0, samples), np.int16), {})
    text = np.frombuffer(b"\t".join(sections) + b"\t\t\t\t", np.uint8)
    bare = _bare(text, sections, samples)
    if bare is not None:
        signs = [bare[..., at] for at in range(4)]
        starts = None
    else:
        ends = np.flatnonzero(text[:-3] == ord("\t")).reshape(len(sections), samples)
        starts = np.concatenate([[0], ends.ravel()[:-1] + 1]).reshape(ends.shape)
        signs = [text[starts + at] for at in range(4)]
    first, second = _ALLELE[signs[0]], _ALLELE[signs[2]]
    after = _BETWEEN[signs[1]]
    diploid = (after == 1) & (second != _BAD) & (_BETWEEN[signs[3]] == 2)
    haploid = after == 2
    second[haploid] = ABSENT
    plain = (first != _BAD) & (diploid | haploid)
    trouble: dict[int, str] = {}
    if not plain.all():
        _slow(sections, np.argwhere(~plain), first, second, trouble)
    return AlleleCalls(first, second, trouble)


def _bare(text: NDArray[np.uint8], sections: Sequence[bytes], samples: int) -> NDArray[np.uint8] | None:
    """(lines, samples, 4) where every field is three signs: nothing has to be searched."""
    if any(len(section) != 4 * samples - 1 for section in sections):
        return None
    whole = text[: 4 * samples * len(sections)].reshape(len(sections), samples, 4)
    return whole if (whole[..., 3] == ord("\t")).all() and not (whole[..., :3] == ord("\t")).any() else None


def _slow(
    sections: Sequence[bytes],
    places: NDArray[np.intp],
    first: NDArray[np.int16],
    second: NDArray[np.int16],
    trouble: dict[int, str],
) -> None:
    """Calls that are not of the usual form, one by one: alleles from 10 on, and what is wrong."""
    line, fields = -1, list[bytes]()
    for row, column in places.tolist():
        if row in trouble:
            continue
        if row != line:
            line, fields = row, sections[row].split(b"\t")
        alleles = _alleles(fields[column].partition(b":")[0])
        if alleles is None:
            trouble[row] = MALFORMED
        elif len(alleles) > 2:
            trouble[row] = POLYPLOID
        else:
            first[row, column], second[row, column] = (*alleles, ABSENT)[:2]


def _alleles(call: bytes) -> list[int] | None:
    """Numbers of the alleles; a phase sign before the first one (VCF 4.4) says nothing here."""
    found = []
    for part in call.lstrip(b"/|").replace(b"|", b"/").split(b"/"):
        if part == b".":
            found.append(MISSING)
        elif part.isdigit() and int(part[:9]) < _MOST and len(part) < 9:
            found.append(int(part))
        else:
            return None
    return found
