"""Files in blocks of gzip, against pysam's reader and Python's gzip."""

import gzip
import sys
from pathlib import Path

import pysam
import pytest

from schemas.errors import MissingExtraError
from workers.genomics.bgzip import write_bgzip

PIECES = [b"one\n", b"", b"two\n" * 100_000]


def test_pieces_come_back_in_order_from_any_reader_of_gzip_and_can_be_sought(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    write_bgzip(path, iter(PIECES))
    assert gzip.decompress(path.read_bytes()) == b"".join(PIECES)
    # More than a block of 64 KiB, and the empty block at the end by which htslib knows a whole file.
    assert path.read_bytes().count(b"\x42\x43\x02\x00") > 2
    with pysam.BGZFile(str(path), "r") as found:
        assert found.read(8) == b"one\ntwo\n"


def test_a_higher_level_makes_a_smaller_file_of_the_same_content(tmp_path: Path) -> None:
    sizes = []
    for level in (1, 9):
        write_bgzip(tmp_path / "x.gz", [bytes(range(256)) * 2000], level)
        sizes.append((tmp_path / "x.gz").stat().st_size)
    assert sizes[1] <= sizes[0]


def test_without_pysam_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pysam", None)
    with pytest.raises(MissingExtraError, match=r"pysam.*wardround\[genomics\]"):
        write_bgzip(tmp_path / "x.gz", [])
