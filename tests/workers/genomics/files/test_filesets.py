"""Which sets of files a uri names."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import SpecError
from workers.genomics.files.filesets import named_sets, objects_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("chr1", "chr2", "chr10", "chrX", "all", "chr1.old"):
        for end in (".bed", ".bim", ".fam", ".log"):
            (tmp_path / (name + end)).touch()
    (tmp_path / "older").mkdir()
    (tmp_path / "older/chr3.bed").touch()
    (tmp_path / "chr4.bim").touch()
    return tmp_path


def names(format: str, uri: str) -> list[str]:
    return [Path(one).name for one in named_sets(format, uri)]


def test_a_name_is_one_set_whether_it_is_there_or_not(folder: Path) -> None:
    assert names("bed", f"{folder}/chr1.bed") == ["chr1.bed"]
    assert names("bed", f"{folder}/chr1") == ["chr1"]
    assert names("pgen", f"{folder}/none.pgen") == ["none.pgen"]


def test_several_come_in_the_order_of_their_numbers(folder: Path) -> None:
    assert names("bed", f"{folder}/chr*") == ["chr1.bed", "chr1.old.bed", "chr2.bed", "chr10.bed", "chrX.bed"]
    assert names("bed", f"{folder}/chr*.bed") == names("bed", f"{folder}/chr*")
    assert names("bed", f"{folder}/chr?.bed") == ["chr1.bed", "chr2.bed", "chrX.bed"]
    assert names("bed", f"{folder}/chr[0-9]") == ["chr1.bed", "chr2.bed"]
    assert names("bed", f"{folder}/") == ["all.bed", *names("bed", f"{folder}/chr*")]


def test_where_none_fits_it_is_an_error_that_names_what_was_asked_for(folder: Path) -> None:
    with pytest.raises(SpecError, match=r"nothing there ends with \.bed and fits 'c\*9'"):
        named_sets("bed", f"{folder}/c*9")
    with pytest.raises(SpecError, match=r"nothing there ends with \.pgen: correct"):
        named_sets("pgen", f"{folder}/")


def test_a_file_may_have_such_a_sign_in_its_name(folder: Path) -> None:
    (folder / "a[1]*.bed").touch()
    assert names("bed", f"{folder}/a[1]*.bed") == ["a[1]*.bed"]
    assert names("bed", f"{folder}/a[1]*") == ["a[1]*"]


def test_what_makes_the_input_are_the_files_of_its_sets_and_no_others(folder: Path) -> None:
    found = [info.key for info in objects_of("bed", f"{folder}/chr[12]")]
    assert found == ["chr1.bed", "chr1.bim", "chr1.fam", "chr2.bed", "chr2.bim", "chr2.fam"]
    assert [info.key for info in objects_of("bed", f"{folder}/chr1.bed")] == found[:3]
    assert [info.key for info in objects_of("bed", f"{folder}/chr1")] == found[:3]
    # .bim and .fam may belong to a .pgen, which is not there.
    assert list(objects_of("pgen", f"{folder}/chr1")) == []
