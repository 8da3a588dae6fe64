"""Columns of the genotype table as arrays."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workers.genomics.contract import GenotypeChunk
from workers.genomics.kernels.codes import pack, unpack
from workers.genomics.table.layout import DOSAGE_MISSING, DOSAGE_ONE

_OF_CODE = np.array([0, 1, 2, np.nan], np.float32)


def bytes_of(column: pa.ChunkedArray, width: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """(rows, width) bytes of a fixed-size binary column without a copy, and which rows are not null."""
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0) if array.num_chunks else pa.nulls(0, column.type)
    there = np.ones(len(array), bool) if not array.null_count else array.is_valid().to_numpy(zero_copy_only=False)
    data = array.buffers()[1]
    if data is None or not there.any():
        return np.zeros((len(array), width), np.uint8), there
    values = np.frombuffer(data, np.uint8, len(array) * width, array.offset * width).reshape(len(array), width)
    return values, there


def bits_of(packed: NDArray[np.uint8], first: int, last: int) -> NDArray[np.uint8]:
    """Bits `first` to `last - 1` of each row, in little order, from its first bit on."""
    if first % 8:
        bits = np.unpackbits(packed, axis=1, bitorder="little")[:, first:last]
        return np.packbits(bits, axis=1, bitorder="little")
    taken = packed[:, first // 8 : (last + 7) // 8].copy()
    if last % 8 and taken.shape[1]:
        taken[:, -1] &= (1 << (last - first) % 8) - 1
    return taken


def float_dosages(
    packed: NDArray[np.uint8], samples: int, stored: NDArray[np.uint16], there: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """(variants, samples) copies of ALT: as stored, or those of the calls in rows where there are none."""
    dosage = _OF_CODE[unpack(packed, samples)]
    counts = stored[there]
    dosage[there] = np.where(counts == DOSAGE_MISSING, np.float32(np.nan), counts / np.float32(DOSAGE_ONE))
    return dosage


def joined_chunk(parts: Sequence[GenotypeChunk]) -> GenotypeChunk:
    """The same variants in neighbouring samples. All but the last part have samples by eights, or there is one.

    A part that begins within a byte of its neighbour is joined by its codes.
    """
    if len(parts) == 1:
        return parts[0]
    samples = sum(part.samples for part in parts)
    dosage = haploid = None
    if any(part.dosage is not None for part in parts):
        dosage = np.concatenate(
            [_OF_CODE[unpack(p.packed, p.samples)] if p.dosage is None else p.dosage for p in parts], axis=1
        )
    whole = all(part.samples % 8 == 0 for part in parts[:-1])
    if any(part.haploid is not None for part in parts):
        bits = [
            np.zeros((len(p.variant_idx), -(-p.samples // 8)), np.uint8) if p.haploid is None else p.haploid
            for p in parts
        ]
        haploid = np.concatenate(bits, axis=1) if whole else _joined_bits(bits, [p.samples for p in parts])
    packed = [part.packed for part in parts]
    joined = np.concatenate(packed, axis=1) if whole else _joined_codes(packed, [p.samples for p in parts])
    return GenotypeChunk(parts[0].variant_idx, samples, joined, dosage, haploid)


def _joined_codes(parts: Sequence[NDArray[np.uint8]], sizes: Sequence[int]) -> NDArray[np.uint8]:
    return pack(np.concatenate([unpack(part, size) for part, size in zip(parts, sizes, strict=True)], axis=1))


def _joined_bits(parts: Sequence[NDArray[np.uint8]], sizes: Sequence[int]) -> NDArray[np.uint8]:
    bits = [np.unpackbits(part, axis=1, count=size, bitorder="little") for part, size in zip(parts, sizes, strict=True)]
    return np.packbits(np.concatenate(bits, axis=1), axis=1, bitorder="little")
