"""BGEN files of any bits, phase, ploidy, alleles and compression, and their index, as the specification has them."""

from __future__ import annotations

import sqlite3
import struct
import zlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

NONE, ZLIB, ZSTD = range(3)


@dataclass(frozen=True)
class BgenVariant:
    """`numbers`: of each sample those that are stored of it; None: it is missing. `ploidy`: one a sample, else 2."""

    pos: int
    alleles: Sequence[str]
    numbers: Sequence[Sequence[int] | None]
    chrom: str = "01"
    id: str = "."
    phased: bool = False
    bits: int = 8
    ploidy: Sequence[int] = field(default=())


def write_bgen(
    path: Path,
    variants: Sequence[BgenVariant],
    samples: Sequence[str],
    compression: int = ZLIB,
    *,
    named: bool = True,
    index: bool = False,
) -> Path:
    """The file; `named`: with its samples; `index`: with the .bgi that bgenix would make."""
    ids = b"".join(struct.pack("<H", len(name)) + name.encode() for name in samples)
    block = struct.pack("<II", 8 + len(ids), len(samples)) + ids if named else b""
    flags = compression | 2 << 2 | (1 << 31 if named else 0)
    header = struct.pack("<4I4sI", 20 + len(block), 20, len(variants), len(samples), b"bgen", flags)
    blocks = [_block(variant, len(samples), compression) for variant in variants]
    path.write_bytes(header + block + b"".join(blocks))
    if index:
        write_bgi(path, variants, [len(one) for one in blocks], len(header) + len(block))
    return path


def write_bgi(path: Path, variants: Sequence[BgenVariant], sizes: Sequence[int], first: int) -> Path:
    """The index of a file whose variants have these sizes, and begin there."""
    starts = first + np.cumsum([0, *sizes[:-1]])
    bgi = path.with_name(path.name + ".bgi")
    bgi.unlink(missing_ok=True)
    with closing(sqlite3.connect(bgi)) as connection:
        connection.execute(
            "CREATE TABLE Variant (chromosome TEXT, position INT, rsid TEXT, number_of_alleles INT, allele1 TEXT, "
            "allele2 TEXT, file_start_position INT, size_in_bytes INT)"
        )
        for variant, start, size in zip(variants, starts.tolist(), sizes, strict=True):
            two = [*variant.alleles, None][:2]
            row = (variant.chrom, variant.pos, variant.id, len(variant.alleles), *two, start, size)
            connection.execute("INSERT INTO Variant VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        connection.commit()
    return bgi


def _block(variant: BgenVariant, samples: int, compression: int) -> bytes:
    head = b"".join(_text(text, "<H") for text in ("", variant.id, variant.chrom))
    head += struct.pack("<IH", variant.pos, len(variant.alleles))
    head += b"".join(_text(allele, "<I") for allele in variant.alleles)
    body = probabilities(variant, samples)
    if compression == NONE:
        return head + struct.pack("<I", len(body)) + body
    stored = zlib.compress(body) if compression == ZLIB else bytes(pa.compress(body, "zstd", asbytes=True))
    return head + struct.pack("<II", len(stored) + 4, len(body)) + stored


def probabilities(variant: BgenVariant, samples: int) -> bytes:
    """What is stored of a variant, without its compression."""
    ploidy = list(variant.ploidy) or [2] * samples
    alleles = len(variant.alleles)
    widths = {0: 0, 1: alleles - 1, 2: 2 * (alleles - 1) if variant.phased else alleles * (alleles + 1) // 2 - 1}
    head = struct.pack("<IHBB", samples, alleles, min(ploidy, default=2), max(ploidy, default=2))
    head += bytes(p | (0x80 if one is None else 0) for p, one in zip(ploidy, variant.numbers, strict=True))
    numbers: list[int] = []
    for p, one in zip(ploidy, variant.numbers, strict=True):
        numbers += [0] * widths.get(p, 9) if one is None else list(one)
    return head + bytes([variant.phased, variant.bits]) + _in_bits(np.array(numbers, np.uint64), variant.bits)


def _in_bits(numbers: NDArray[np.uint64], bits: int) -> bytes:
    signs = (numbers[:, None] >> np.arange(bits, dtype=np.uint64)) & np.uint64(1)
    return np.packbits(signs.astype(np.uint8).reshape(-1), bitorder="little").tobytes()


def _text(text: str, kind: str) -> bytes:
    return struct.pack(kind, len(text.encode())) + text.encode()
