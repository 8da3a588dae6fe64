"""Records of BCF as the lines of VCF that htslib makes of them."""

import struct
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import cyvcf2

from schemas.status import Fault, Status
from workers.genomics.convert_vcf.header import BCF_MAGIC
from workers.genomics.convert_vcf.lines import DAMAGED, Line, Piece

_SLICE = 4 << 20
_LENGTHS = 8


def bcf_lines(pieces: Iterable[Piece], header: bytes, max_line: int) -> Iterator[Line]:
    """Every record once, in order. Where lengths cannot be had any more, one line stands for all that follows.

    htslib is given some records at a time, uncompressed, behind the header of the file. What it cannot read of them it
    is given again record by record.
    """
    held, waiting = bytearray(), list[bytes]()
    size = 0
    for piece in pieces:
        if piece.trouble is not None:
            yield from _decoded(waiting, header)
            yield Line(b"", DAMAGED)
            return
        held += piece.data
        at = 0
        while len(held) - at >= _LENGTHS:
            shared, individual = struct.unpack_from("<II", held, at)
            length = _LENGTHS + shared + individual
            if length > max_line:
                yield from _decoded(waiting, header)
                reason = f"a record is longer than {max_line} bytes, or damaged: the rest of the file is not read"
                yield Line(b"", Fault(Status.TOO_LARGE, reason))
                return
            if len(held) - at < length:
                break
            waiting.append(bytes(held[at : at + length]))
            at += length
            size += length
        del held[:at]
        if size >= _SLICE:
            yield from _decoded(waiting, header)
            waiting, size = [], 0
    yield from _decoded(waiting, header)
    if held:
        yield Line(b"", Fault(Status.UNREADABLE, "the file ends within a record"))


def _decoded(records: list[bytes], header: bytes) -> Iterator[Line]:
    """The lines of some records."""
    if not records:
        return
    found = _read(records, header)
    if len(found) == len(records):
        yield from map(Line, found)
        return
    for record in records:
        alone = _read([record], header)
        yield Line(alone[0]) if alone else Line(b"", Fault(Status.UNREADABLE, "a record of BCF is damaged"))


def _read(records: list[bytes], header: bytes) -> list[bytes]:
    """Lines up to the first record that htslib refuses."""
    text = header + b"\0"
    with tempfile.TemporaryDirectory(prefix="wardround-bcf-") as folder:
        path = Path(folder) / "slice.bcf"
        path.write_bytes(b"".join([BCF_MAGIC, b"\x02", struct.pack("<I", len(text)), text, *records]))
        lines: list[bytes] = []
        try:
            with closing(cyvcf2.VCF(str(path))) as reader:
                lines.extend(str(variant).rstrip("\n").encode() for variant in reader)
        # What cyvcf2 raises for a header or a record that htslib refuses is Exception itself.
        except Exception:  # noqa: BLE001
            return lines
    return lines
