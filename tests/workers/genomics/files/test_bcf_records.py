"""Records of BCF by their bytes. That htslib reads the same, and that they are found wherever a file is cut, is tested
where they become lines and sites."""

from __future__ import annotations

import struct

import pytest

from workers.genomics.files.bcf_records import DamagedRecord, RecordSite, Sync, contigs_of, site_of_record


def shared(pos: int, alleles: list[bytes], contig: int = 0, samples: int = 3, name: bytes = b"rs1") -> bytes:
    fixed = struct.pack("<iiifII", contig, pos - 1, 1, 0.0, len(alleles) << 16, samples)
    return fixed + b"".join(_text(text) for text in (name, *alleles)) + b"\x00"


def record(pos: int, individual: bytes = b"\x11\x22", **more: int) -> bytes:
    body = shared(pos, [b"A", b"C"], **more)
    return struct.pack("<II", len(body), len(individual)) + body + individual


def _text(text: bytes) -> bytes:
    if len(text) < 15:
        return bytes([len(text) << 4 | 7]) + text
    return (
        b"\xf7" + (b"\x11" + bytes([len(text)]) if len(text) < 128 else b"\x12" + struct.pack("<h", len(text))) + text
    )


@pytest.mark.parametrize("length", [1, 14, 15, 127, 128, 3000])
def test_alleles_of_any_length_are_read(length: int) -> None:
    found = site_of_record(shared(7, [b"A", b"C" * length, b"*"]))
    assert found == RecordSite(0, 7, b"rs1", (b"A", b"C" * length, b"*"))


@pytest.mark.parametrize("cut", range(0, 40, 3))
def test_what_is_cut_off_is_damaged(cut: int) -> None:
    body = shared(7, [b"A", b"C" * 12])[:-1]
    with pytest.raises(DamagedRecord):
        site_of_record(body[: min(cut, len(body) - 1)])


def test_contigs_have_the_numbers_of_their_lines_else_their_places() -> None:
    numbered = b"##contig=<ID=chr2,length=5,IDX=4>\n##INFO=<ID=x>\n##contig=<ID=chr1,IDX=0>\n"
    assert contigs_of(numbered) == {4: "chr2", 0: "chr1"}
    assert contigs_of(b"##contig=<length=5,ID=a>\n##contig=<ID=b>\n") == {0: "a", 1: "b"}


def test_the_first_record_is_where_others_follow_it() -> None:
    sync = Sync(samples=3, contigs=2, max_record=1 << 20)
    body = b"".join(record(pos) for pos in range(1, 7))
    size = len(record(1))
    for cut in range(1, 2 * size):
        assert sync.first(body[cut:], ended=True)[0] == (-cut) % size
    assert sync.first(body[1:20], ended=False) == (None, 0)
    assert sync.first(b"\0" * 200, ended=False)[0] is None


def test_other_samples_contigs_and_lengths_are_no_record() -> None:
    body = b"".join(record(pos) for pos in range(1, 7))
    for sync in (Sync(4, 2, 1 << 20), Sync(3, 0, 1 << 20), Sync(3, 2, len(record(1)) - 1)):
        assert sync.first(body, ended=True)[0] is None
