from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import SpecError
from tests.support.plink_files import cohort, write_pgen
from workers.genomics.files.pgen_header import FIXED_HARDCALLS, PLAIN_BED, VARIABLE, PgenHeader, read_header


def header_of(body: bytes, size: int | None = None) -> PgenHeader:
    return read_header(
        lambda start, length: body[start : start + length], len(body) if size is None else size, "a.pgen"
    )


def fixed(mode: int, variants: int, samples: int) -> bytes:
    """The twelve bytes that every header begins with."""
    numbers = variants.to_bytes(4, "little") + samples.to_bytes(4, "little")
    return b"\x6c\x1b" + bytes([mode]) + numbers + b"\x40"


def test_hard_calls_of_one_width_take_so_many_bytes_and_no_fewer() -> None:
    whole = fixed(FIXED_HARDCALLS, 3, 5) + bytes(3 * 2)
    assert header_of(whole) == PgenHeader(FIXED_HARDCALLS, 3, 5, dosages=False)
    with pytest.raises(SpecError, match=r"'a\.pgen' has 17 bytes where its header promises 18: it was cut off"):
        header_of(whole[:-1])


def test_dosages_of_one_width_take_two_bytes_a_sample_more() -> None:
    body = fixed(0x03, 2, 5) + bytes(2 * (2 + 10))
    assert header_of(body).dosages
    with pytest.raises(SpecError, match="cut off"):
        header_of(body[:-1])


def test_a_bed_under_the_name_of_a_pgen_says_nothing_of_sizes() -> None:
    assert header_of(b"\x6c\x1b\x01" + bytes(20)) == PgenHeader(PLAIN_BED, 0, 0, dosages=False)


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        (b"", "does not begin as a .pgen file"),
        (b"PK\x03\x04" + bytes(20), "does not begin as a .pgen file"),
        (b"\x6c\x1b\x02", "does not begin as a .pgen file"),
        (fixed(0x11, 1, 1), "has storage mode 0x11, which is not read"),
        (fixed(VARIABLE, 100_000, 5), "header that is not read or cut off"),
    ],
)
def test_what_is_no_pgen_file_is_told_by_its_name(body: bytes, wrong: str) -> None:
    with pytest.raises(SpecError, match=wrong):
        header_of(body)


def test_a_file_of_pgenlib_is_read_and_every_byte_that_is_cut_from_it_is_missed(tmp_path: Path) -> None:
    body = write_pgen(tmp_path, cohort(samples=37, variants=24)).read_bytes()
    header = header_of(body)
    assert (header.variants, header.samples, header.dosages) == (24, 37, False)
    for cut in (1, len(body) // 2, len(body) - 13):
        with pytest.raises(SpecError):
            header_of(body[:-cut])
