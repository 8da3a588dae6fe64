"""What the records of BCF say of their variants, and where records begin (VCF 4.3, section 6). No htslib is needed."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

BCF_MAGIC = b"BCF\x02"
HEADER_START = 9
"""The text of the header follows its length, which follows the magic and a minor version."""
LENGTHS = 8
FIXED = 24
"""Bytes of a record that hold its two lengths, and those behind them of numbers that every record has."""
_SAMPLES_AT = LENGTHS + 20
_CHAIN = 4
"""Records that have to follow each other for the first of them to be one."""
_SIZES = {1: 1, 2: 2, 3: 4}
_TEXT = 7
_LETTERS = re.compile(rb"[ACGTNRYKMSWBDHVUacgtnrykmswbdhvu]+")
_CONTIG = re.compile(rb"^##contig=<(.*)>\s*$", re.MULTILINE)


class DamagedRecord(Exception):
    """What stands there is no record of BCF."""


@dataclass(frozen=True)
class RecordSite:
    """`contig`: its number in the header; `pos` is 1-based; `id` is empty or `.` where there is none. `alleles` has REF
    first."""

    contig: int
    pos: int
    id: bytes
    alleles: tuple[bytes, ...]


def lengths_of(record: bytes | bytearray | memoryview, at: int = 0) -> tuple[int, int]:
    """Bytes of what all samples share, and of what each has, of a record of which at least `LENGTHS` are there."""
    shared, individual = struct.unpack_from("<II", record, at)
    return int(shared), int(individual)


def site_of_record(shared: bytes) -> RecordSite:
    """From the shared part, without the lengths before it. Raises DamagedRecord."""
    try:
        contig, pos, _, _, info, _ = struct.unpack_from("<iiifII", shared)
        name, at = _text(shared, FIXED)
        alleles = []
        for _ in range(info >> 16):
            allele, at = _text(shared, at)
            alleles.append(allele)
    except (struct.error, IndexError):
        raise DamagedRecord from None
    if not alleles or contig < 0 or pos < -1:
        raise DamagedRecord
    return RecordSite(contig, pos + 1, name, tuple(alleles))


def _text(body: bytes, at: int) -> tuple[bytes, int]:
    kind, length = body[at] & 15, body[at] >> 4
    at += 1
    if length == 15:
        size = _SIZES.get(body[at] & 15)
        if size is None or body[at] >> 4 != 1:
            raise DamagedRecord
        length = int.from_bytes(body[at + 1 : at + 1 + size], "little")
        at += 1 + size
    if at + length > len(body) or (kind != _TEXT and length):
        raise DamagedRecord
    return body[at : at + length], at + length


def contigs_of(header: bytes) -> Mapping[int, str]:
    """Names of contigs by the numbers that records have: `IDX` of their lines, else their order."""
    found: dict[int, str] = {}
    for number, line in enumerate(_CONTIG.findall(header)):
        name = re.search(rb"(?:^|,)ID=([^,]+)", line)
        index = re.search(rb"(?:^|,)IDX=([0-9]{1,9})(?:,|$)", line)
        if name is not None:
            found[int(index[1]) if index else number] = name[1].decode("utf-8", "replace")
    return found


@dataclass(frozen=True)
class Sync:
    """Finds the first record in bytes that begin somewhere within a file. `samples` and `contigs` are how many the
    header has, `max_record` how long a record may be."""

    samples: int
    contigs: int
    max_record: int

    def first(self, held: bytes | bytearray, ended: bool) -> tuple[int | None, int]:
        """Where it begins: there and behind it stand records, four of them or all up to the end. None where there is
        none as far as can be seen; then before the second place no record begins, whatever follows."""
        whole = np.frombuffer(bytes(held), np.uint8)
        count = max(0, len(whole) - LENGTHS - FIXED + 1)
        same = np.ones(count, np.bool_)
        for byte in range(3):
            at = _SAMPLES_AT + byte
            same &= whole[at : at + count] == (self.samples >> (8 * byte)) & 255
        for at in np.flatnonzero(same).tolist():
            said = self._chain(held, at, ended)
            if said is None:
                return None, at
            if said:
                return at, at
        return None, len(held) if ended else count

    def _plausible(self, held: bytes | bytearray, at: int) -> bool:
        shared, individual, contig, pos, length = struct.unpack_from("<IIiii", held, at)
        whole = LENGTHS + shared + individual
        count = int.from_bytes(held[at + _SAMPLES_AT : at + _SAMPLES_AT + 3], "little")
        return bool(
            count == self.samples
            and shared >= FIXED
            and whole <= self.max_record
            and 0 <= contig < self.contigs
            and pos >= -1
            and length >= 0
        )

    def _chain(self, held: bytes | bytearray, at: int, ended: bool) -> bool | None:
        """Whether records follow each other from there; None where the bytes end before it is known."""
        for number in range(_CHAIN):
            # Of a file that ends early the last record is not whole.
            out = bool(number) if ended else None
            if len(held) < at + LENGTHS + FIXED:
                return out
            if not self._plausible(held, at):
                return False
            shared, individual = lengths_of(held, at)
            if len(held) < at + LENGTHS + shared:
                return out
            try:
                site = site_of_record(bytes(held[at + LENGTHS : at + LENGTHS + shared]))
            except DamagedRecord:
                return False
            if not _LETTERS.fullmatch(site.alleles[0]):
                return False
            at += LENGTHS + shared + individual
        return True
