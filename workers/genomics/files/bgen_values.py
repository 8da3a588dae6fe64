"""The probabilities of one variant of a BGEN file as expected copies of its alleles (BGEN 1.3, layout 2)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from schemas.errors import RecordError
from schemas.status import Status
from workers.genomics.files.bgen_blocks import ZSTD
from workers.genomics.genotype_order import copies_of_pairs
from workers.genomics.kernels.probabilities import copies_of_two
from workers.reading.gzip import ZLIB, InflationError, inflate_member

Floats = NDArray[np.float32]

_FIXED = 8
_MISSING, _PLOIDY = np.uint8(0x80), np.uint8(0x3F)
_PLAIN = {8: "<u1", 16: "<u2", 32: "<u4"}
_DAMAGED = RecordError(Status.UNREADABLE, "the probabilities of a variant are damaged")
_POLYPLOID = RecordError(Status.UNSUPPORTED, "a sample has more than two alleles of a variant")


@dataclass(frozen=True)
class Copies:
    """`of` (alleles, samples): expected copies from 0 to 2, NaN where missing; those of one allele are doubled, as in
    `workers.genomics.contract`. `single`: which samples have one; None: nobody."""

    of: Floats
    single: NDArray[np.bool_] | None


def inflated(stored: bytes, compression: int, length: int, samples: int, alleles: int) -> bytes:
    """What is stored of a variant without its compression, which is to be of this length. Raises RecordError."""
    widest = max(2 * (alleles - 1), alleles * (alleles + 1) // 2 - 1)
    if length > _FIXED + 2 + samples * (1 + 4 * widest):
        raise RecordError(Status.TOO_LARGE, "the probabilities of a variant take more room than its samples need")
    try:
        if compression == ZSTD:
            return bytes(pa.decompress(stored, length, codec="zstd", asbytes=True))
        body, _ = inflate_member(stored, length, ZLIB)
    except (InflationError, OSError, pa.ArrowInvalid):
        raise _DAMAGED from None
    if len(body) != length:
        raise _DAMAGED
    return body


def copies_of(body: bytes, samples: int, alleles: int) -> Copies:
    """Raises RecordError for what is damaged, or has more than two alleles a sample."""
    if len(body) < _FIXED + samples + 2:
        raise _DAMAGED
    said, count, least, most = struct.unpack_from("<IHBB", body)
    states = np.frombuffer(body, np.uint8, samples, _FIXED)
    phased, bits = body[_FIXED + samples], body[_FIXED + samples + 1]
    ploidy = states & _PLOIDY
    if said != samples or count != alleles or phased > 1 or not 1 <= bits <= 32:
        raise _DAMAGED
    if samples and (ploidy.max() > most or ploidy.min() < least):
        raise _DAMAGED
    if samples and ploidy.max() > 2:
        raise _POLYPLOID
    numbers = _numbers(body[_FIXED + samples + 2 :], bits)
    widths = np.array([0, alleles - 1, 2 * (alleles - 1) if phased else alleles * (alleles + 1) // 2 - 1])
    all_two = bool((ploidy == 2).all())
    if len(numbers) < (samples * int(widths[2]) if all_two else int(widths[ploidy].sum())):
        raise _DAMAGED
    single = None
    if all_two:
        found = _of_two(numbers[: samples * widths[2]].reshape(samples, widths[2]), alleles, phased, bits)
    else:
        found = np.full((alleles, samples), np.nan, np.float32)
        start = np.concatenate([[0], np.cumsum(widths[ploidy])[:-1]]).astype(np.int64)
        for carried, made in ((1, _of_one), (2, _of_two)):
            rows = np.flatnonzero(ploidy == carried)
            table = numbers[start[rows][:, None] + np.arange(widths[carried])]
            found[:, rows] = made(table, alleles, phased, bits)
        single = ploidy == 1
    missing = states >= _MISSING
    if missing.any():
        found[:, missing] = np.nan
    return Copies(found, single if single is not None and single.any() else None)


def _of_one(table: NDArray[np.integer], alleles: int, phased: int, bits: int) -> Floats:
    """From the probabilities of all alleles but the last."""
    return (2 * _shares(table, bits)).T.astype(np.float32)


def _of_two(table: NDArray[np.integer], alleles: int, phased: int, bits: int) -> Floats:
    """From the probabilities of each haplotype's alleles, or of genotypes, of each without the last."""
    if phased:
        return (_shares(table[:, : alleles - 1], bits) + _shares(table[:, alleles - 1 :], bits)).T.astype(np.float32)
    if alleles == 2:
        # What nearly all files have.
        copies, most = copies_of_two(table, (1 << bits) - 1)
        _refuse_more(most, bits)
        return copies
    return np.asarray((_shares(table, bits) @ copies_of_pairs(alleles)).T, np.float32)


def _shares(table: NDArray[np.integer], bits: int) -> NDArray[np.float64]:
    """(samples, n + 1) probabilities, the last of which is what the others leave."""
    whole = np.int64((1 << bits) - 1)
    total = table.sum(axis=1, dtype=np.int64)
    _refuse_more(int(total.max(initial=0)), bits)
    return np.column_stack([table, np.maximum(whole - total, 0)]) / whole


def _refuse_more(most: int, bits: int) -> None:
    """Rounded probabilities may add up to a step or two too much, and to no more."""
    if most > (1 << bits) + 1:
        raise _DAMAGED


def _numbers(body: bytes, bits: int) -> NDArray[np.integer]:
    """Numbers of so many bits, the lowest first, as many as there are."""
    if bits in _PLAIN:
        kind = np.dtype(_PLAIN[bits])
        return np.frombuffer(body, kind, len(body) // kind.itemsize)
    signs = np.unpackbits(np.frombuffer(body, np.uint8), bitorder="little")
    of_number = signs[: len(signs) // bits * bits].reshape(-1, bits)
    return np.asarray(of_number @ (np.int64(1) << np.arange(bits, dtype=np.int64)))
