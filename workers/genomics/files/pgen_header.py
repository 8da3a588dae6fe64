"""The header of a .pgen file: what it holds, and whether it holds all of it (PGEN specification 1.0, section 2)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.errors import SpecError
from schemas.wording import counted

FIXED_HARDCALLS, VARIABLE = 0x02, 0x10
PLAIN_BED = 0x01

_MAGIC = b"\x6c\x1b"
_FIXED = 12
_BLOCK = 1 << 16
_SEVERAL_BIT, _DOSAGE_BITS = 0x08, 0x60
_KNOWN = {PLAIN_BED, FIXED_HARDCALLS, 0x03, 0x04, VARIABLE}

Read = Callable[[int, int], bytes]
"""(start, length) -> bytes"""


@dataclass(frozen=True)
class PgenHeader:
    """What the header says."""

    mode: int
    """third byte: how records are stored"""
    variants: int
    samples: int
    dosages: bool
    """whether any record has dosages"""
    several: NDArray[np.bool_] | None = None
    """(variants,) which records have calls of more than one ALT; None: none can have"""
    alleles: NDArray[np.int64] | None = None
    """(variants,) how many alleles each record has, REF counted, where the file says it"""


def read_header(read: Read, size: int, name: str) -> PgenHeader:
    """Raises SpecError if it is no .pgen file, of a kind that is not read, or shorter than its header says."""
    head = read(0, _FIXED)
    if head[:2] != _MAGIC or len(head) < _FIXED:
        raise SpecError(f"{name!r} does not begin as a .pgen file: correct input.uri or input.format")
    mode = head[2]
    if mode not in _KNOWN:
        raise SpecError(
            f"{name!r} has storage mode 0x{mode:02x}, which is not read: write it anew with plink2 --make-pgen"
        )
    if mode == PLAIN_BED:
        return PgenHeader(mode, 0, 0, dosages=False)
    variants, samples = (int(number) for number in np.frombuffer(head, "<u4", 2, 3))
    if mode != VARIABLE:
        widths = {FIXED_HARDCALLS: -(-samples // 4), 0x03: -(-samples // 4) + 2 * samples}
        expected = _FIXED + variants * widths.get(mode, 0)
        _refuse_short(size, expected, name)
        return PgenHeader(mode, variants, samples, dosages=mode != FIXED_HARDCALLS)
    types, alleles, end = _records(read, head[11], variants, size, name)
    _refuse_short(size, end, name)
    several = (types & _SEVERAL_BIT) != 0
    return PgenHeader(mode, variants, samples, bool((types & _DOSAGE_BITS).any()), several, alleles)


def _refuse_short(size: int, expected: int, name: str) -> None:
    if size < expected:
        raise SpecError(
            f"{name!r} has {counted(size, 'byte')} where its header promises {expected}: it was cut off, copy it anew"
        )


def _records(
    read: Read, control: int, variants: int, size: int, name: str
) -> tuple[NDArray[np.uint8], NDArray[np.int64] | None, int]:
    """The type of every record, how many alleles each has where that is written, and the byte behind the last."""
    wide_types, length_bytes = bool(control & 4), (control & 3) + 1
    allele_bytes, flags = (control >> 4) & 3, control >> 6 == 3
    blocks = -(-variants // _BLOCK)
    at = _FIXED + 8 * blocks
    if control & 8 or size < at:
        raise SpecError(f"{name!r} has a header that is not read or cut off: write it anew with plink2 --make-pgen")
    starts = np.frombuffer(read(_FIXED, 8 * blocks), "<u8")
    types, alleles, end = [], [np.zeros(0, np.int64)], at
    for block in range(blocks):
        count = min(_BLOCK, variants - block * _BLOCK)
        type_bytes = count if wide_types else -(-count // 2)
        body = read(at, type_bytes + (length_bytes + allele_bytes) * count)
        if len(body) < type_bytes + (length_bytes + allele_bytes) * count:
            raise SpecError(f"{name!r} ends within its header: it was cut off, copy it anew")
        raw = np.frombuffer(body, np.uint8, type_bytes)
        types.append(raw if wide_types else np.stack([raw & 15, raw >> 4], axis=1).reshape(-1)[:count])
        lengths = _integers(body[type_bytes:], count, length_bytes)
        if allele_bytes:
            alleles.append(_integers(body[type_bytes + length_bytes * count :], count, allele_bytes))
        end = int(starts[block]) + int(lengths.sum())
        at += type_bytes + (length_bytes + allele_bytes) * count + (-(-count // 8) if flags else 0)
    of_all = np.concatenate(types) if types else np.zeros(0, np.uint8)
    return of_all, np.concatenate(alleles) if allele_bytes else None, end


def _integers(body: bytes, count: int, width: int) -> NDArray[np.int64]:
    """So many of them, each of `width` bytes, the lowest first."""
    signs = np.frombuffer(body, np.uint8, count * width).reshape(count, width)
    return np.asarray((signs.astype(np.int64) << (8 * np.arange(width, dtype=np.int64))).sum(axis=1))
