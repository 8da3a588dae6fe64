"""Several sets of files as one source."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.storage import ObjectChanged
from schemas.errors import SpecError
from tests.support.plink_files import Cohort, cohort, write_bed, write_pgen
from workers.genomics.contract import CountsCalls
from workers.genomics.files.fileset import versions_digest
from workers.genomics.files.joined import JoinedSource, stretches_of
from workers.genomics.files.opening import open_source
from workers.genomics.kernels.codes import unpack


def write_parts(folder: Path, data: Cohort, cuts: list[int], format: str) -> None:
    """The variants between cuts as sets c1, c2, ...; a cut may come twice."""
    edges = [0, *sorted(cuts), len(data.chrom)]
    for number, (start, stop) in enumerate(pairwise(edges), 1):
        part = Cohort(data.calls[start:stop], data.chrom[start:stop], data.sex)
        if format == "pgen":
            write_pgen(folder, part, f"c{number}")
        else:
            write_bed(folder, part, f"c{number}")


@pytest.fixture(scope="module")
def data() -> Cohort:
    return cohort(9, 24)


@pytest.mark.parametrize("format", ["bed", "pgen"])
def test_variants_and_calls_are_those_of_all_one_behind_another(tmp_path: Path, data: Cohort, format: str) -> None:
    write_parts(tmp_path, data, [5, 6, 17], format)
    source = open_source(format, f"{tmp_path}/c*")
    assert isinstance(source, JoinedSource)
    variants = source.variants()
    assert variants["variant_idx"].to_list() == list(range(24))
    assert variants["record"].to_list() == list(range(24))
    assert variants["chrom"].to_list() == data.chrom
    assert [(s.main.name, s.first, s.last) for s in stretches_of(source)] == [
        (f"c1.{format}", 0, 5), (f"c2.{format}", 5, 6), (f"c3.{format}", 6, 17), (f"c4.{format}", 17, 24),
    ]  # fmt: skip
    assert len(source.versions()) == 12
    found = list(source.chunks(2, 9, None, 1 << 20))
    assert np.concatenate([chunk.variant_idx for chunk in found]).tolist() == list(range(24))
    assert (np.concatenate([unpack(chunk.packed, 7) for chunk in found]) == data.calls[:, 2:]).all()
    source.close()


@settings(deadline=None, max_examples=25)
@given(st.sets(st.integers(0, 23)), st.integers(1, 40))
def test_any_variants_are_read_from_the_parts_that_have_them(
    joined: JoinedSource, data: Cohort, wanted: set[int], size: int
) -> None:
    rows = np.array(sorted(wanted), np.int64)
    found = list(joined.chunks(0, 9, rows, size))
    assert [number for chunk in found for number in chunk.variant_idx.tolist()] == sorted(wanted)
    for chunk in found:
        assert (unpack(chunk.packed, 9) == data.calls[chunk.variant_idx]).all()
    assert isinstance(joined, CountsCalls)
    counts = joined.call_counts(rows)
    assert counts is not None
    assert counts.tolist() == [np.bincount(data.calls[row], minlength=4).tolist() for row in rows]


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory, data: Cohort) -> JoinedSource:
    folder = tmp_path_factory.mktemp("joined")
    write_parts(folder, data, [5, 6, 17], "pgen")
    source = open_source("pgen", f"{folder}/")
    assert isinstance(source, JoinedSource)
    return source


def test_bed_cannot_count_without_giving_calls(tmp_path: Path, data: Cohort) -> None:
    write_parts(tmp_path, data, [5], "bed")
    source = open_source("bed", f"{tmp_path}/")
    assert isinstance(source, CountsCalls)
    assert source.call_counts(np.arange(3)) is None


def test_a_set_without_variants_is_one_of_them(tmp_path: Path, data: Cohort) -> None:
    write_parts(tmp_path, data, [5, 5], "bed")
    assert len(sorted(tmp_path.glob("*.bim"))) == 3
    source = open_source("bed", f"{tmp_path}/")
    (first, second) = source.chunks(0, 9, None, 1 << 20)
    assert (len(first.variant_idx), len(second.variant_idx)) == (5, 19)


def test_sets_of_other_samples_or_sexes_are_refused(tmp_path: Path, data: Cohort) -> None:
    write_parts(tmp_path, data, [5], "bed")
    fam = tmp_path / "c2.fam"
    lines = fam.read_text().splitlines(keepends=True)
    fam.write_text("".join([lines[1], lines[0], *lines[2:]]))
    with pytest.raises(SpecError, match=r"'c2.bed' has other samples than 'c1.bed', or in another order"):
        open_source("bed", f"{tmp_path}/c*")
    other = replace(data, sex=(3 - data.sex).astype(np.int8))
    write_bed(tmp_path, Cohort(data.calls[5:], data.chrom[5:], other.sex), "c2")
    with pytest.raises(SpecError, match="says another sex of a sample"):
        open_source("bed", f"{tmp_path}/c*")
    unknown = np.where(np.arange(9) % 2, 0, data.sex).astype(np.int8)
    write_bed(tmp_path, Cohort(data.calls[5:], data.chrom[5:], unknown), "c2")
    assert open_source("bed", f"{tmp_path}/c*").samples()["sex"].to_list() == data.sex.tolist()


def test_a_set_that_came_after_planning_is_a_change(tmp_path: Path, data: Cohort) -> None:
    write_parts(tmp_path, data, [5], "bed")
    planned = versions_digest(open_source("bed", f"{tmp_path}/").versions())
    open_source("bed", f"{tmp_path}/", planned=planned)
    write_parts(tmp_path, data, [5, 9], "bed")
    with pytest.raises(ObjectChanged):
        open_source("bed", f"{tmp_path}/", planned=planned)
