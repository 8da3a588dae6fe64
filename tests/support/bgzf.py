"""BGZF with blocks of any length, which bgzip does not write."""

from __future__ import annotations

import struct
import zlib

from workers.genomics.convert_vcf.bgzf import END


def bgzf(data: bytes, block: int, end: bytes = END) -> bytes:
    """`data` in blocks of so many bytes each."""
    return b"".join(one_block(data[at : at + block]) for at in range(0, len(data), block)) + end


def one_block(data: bytes) -> bytes:
    """One block (SAM specification, section 4.1)."""
    machine = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = machine.compress(data) + machine.flush()
    head = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0" + struct.pack("<H", len(body) + 25)
    return head + body + struct.pack("<II", zlib.crc32(data), len(data))
