from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bed_reader import open_bed
from numpy.typing import NDArray

from cluster.storage import ObjectChanged, open_store
from schemas.errors import RecordError, SpecError
from tests.support.plink_files import cohort, write_bed
from tests.support.seaweed import S3
from workers.genomics.files.bed import BedSource
from workers.genomics.kernels.codes import unpack

DATA = cohort(samples=43, variants=60)


def calls(
    source: BedSource, first: int, last: int, wanted: NDArray[np.int64] | None, chunk_bytes: int
) -> NDArray[np.int8]:
    return np.concatenate([unpack(c.packed, c.samples) for c in source.chunks(first, last, wanted, chunk_bytes)])


@pytest.mark.parametrize(("first", "last"), [(0, 43), (0, 40), (4, 9), (3, 42), (42, 43)])
@pytest.mark.parametrize("chunk_bytes", [1, 50, 1 << 20])
def test_any_samples_and_variants_are_what_bed_reader_reads(
    tmp_path: Path, first: int, last: int, chunk_bytes: int
) -> None:
    path = write_bed(tmp_path, DATA)
    with open_bed(path) as bed:
        values = bed.read(index=np.s_[first:last, :], dtype="int8", num_threads=1).T
    expected = np.where(values == -127, 3, values)
    source = BedSource(str(path))
    assert (calls(source, first, last, None, chunk_bytes) == expected).all()
    wanted = np.array([0, 1, 17, 18, 30, 59])
    assert (calls(source, first, last, wanted, chunk_bytes) == expected[wanted]).all()


def test_the_bits_behind_the_last_sample_are_zero(tmp_path: Path) -> None:
    source = BedSource(str(write_bed(tmp_path, DATA)))
    for first, last in ((0, 43), (1, 7), (2, 43)):
        for chunk in source.chunks(first, last, None, 100):
            assert not unpack(chunk.packed, 4 * chunk.packed.shape[1])[:, last - first :].any()


def test_alt_is_a1_and_unknown_alleles_are_null(tmp_path: Path) -> None:
    path = write_bed(tmp_path, DATA)
    lines = path.with_suffix(".bim").read_text().splitlines()
    lines[0], lines[1] = "chr23 . 0 77 a 0", "\tweird\tx\t0\t-4\t.\tT  "
    path.with_suffix(".bim").write_text("\n".join(lines) + "\n\n")
    variants = BedSource(str(path)).variants()
    assert variants.row(0) == (0, "X", 77, None, None, "A")
    assert variants.row(1) == (1, "weird", -4, "x", "T", None)
    assert variants["alt"][2] == "G"


def test_it_is_read_from_s3_by_ranges(tmp_path: Path, s3: S3, bucket_prefix: str) -> None:
    path = write_bed(tmp_path, DATA)
    store = open_store(bucket_prefix, s3.settings)
    for part in (path, path.with_suffix(".bim"), path.with_suffix(".fam")):
        store.put(part.name, part, {})
    source = BedSource(f"{bucket_prefix}/cohort", s3.settings)
    assert (calls(source, 3, 42, None, 100) == DATA.calls[:, 3:42]).all()
    store.put(path.name, path.read_bytes()[:-1] + b"\0", {})
    with pytest.raises(ObjectChanged):
        calls(source, 0, 43, None, 100)


def test_a_file_that_changed_after_it_was_planned_is_refused(tmp_path: Path) -> None:
    path = write_bed(tmp_path, DATA)
    planned = BedSource(str(path)).versions()
    assert BedSource(str(path), planned=planned).versions() == planned
    write_bed(tmp_path, cohort(samples=43, variants=60, seed=2))
    with pytest.raises(ObjectChanged):
        BedSource(str(path), planned=planned)


def test_a_file_that_loses_its_end_while_it_is_read_is_no_longer_the_one_that_was_opened(tmp_path: Path) -> None:
    path = write_bed(tmp_path, DATA)
    source = BedSource(str(path))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises((ObjectChanged, RecordError)):
        calls(source, 0, 43, None, 1 << 20)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (lambda whole: whole[:-1], "was cut off"),
        (lambda whole: whole + b"\0", "belongs to another file"),
        (lambda whole: b"\x6c\x1b\x00" + whole[3:], "sample by sample"),
        (lambda whole: b"\x00\x00\x01" + whole[3:], "does not begin as a .bed file"),
        (lambda _: b"", "does not begin as a .bed file"),
    ],
)
def test_a_damaged_bed_is_refused_at_opening(tmp_path: Path, body, says: str) -> None:
    path = write_bed(tmp_path, DATA)
    path.write_bytes(body(path.read_bytes()))
    with pytest.raises(SpecError, match=says):
        BedSource(str(path))


@pytest.mark.parametrize(
    ("suffix", "edit", "says"),
    [
        (".fam", lambda lines: lines[:-5], "belongs to another file"),
        (".fam", lambda lines: lines[:-1], "calls of more samples than the 42 lines"),
        (".fam", lambda lines: lines[1:-1], "calls of more samples than the 41 lines"),
        (".fam", lambda lines: ["FID IID PAT MAT SEX PHENO", *lines], "names of columns"),
        (
            ".fam",
            lambda lines: [line.replace(" ", ",").replace("\t", ",") for line in lines],
            "first line has fewer than",
        ),
        (".bim", lambda lines: [line.replace("\t", ",") for line in lines], "first line has fewer than 6 fields"),
        (".bim", lambda lines: lines[:-1], "belongs to another file"),
        (".fam", lambda lines: [*lines[:-1], lines[0]], "line 43 repeats"),
        (".bim", lambda lines: [lines[0], "1 v1 0 five A G", *lines[2:]], "line 2 has a position"),
        (".bim", lambda lines: [lines[0], "1 v1 0 5 A", *lines[2:]], "line 2 has an empty field or fewer than 6"),
        (".bim", lambda lines: [lines[0] + "\udcff"], "UTF-8"),
    ],
)
def test_text_files_that_do_not_fit_are_refused_with_their_line(tmp_path: Path, suffix: str, edit, says: str) -> None:
    path = write_bed(tmp_path, DATA)
    text = path.with_suffix(suffix)
    text.write_text("\n".join(edit(text.read_text().splitlines())) + "\n", errors="surrogateescape")
    with pytest.raises(SpecError, match=says):
        BedSource(str(path))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = write_bed(tmp_path, DATA)
    path.with_suffix(".fam").unlink()
    with pytest.raises(SpecError, match=r"cohort\.fam"):
        BedSource(str(path))
