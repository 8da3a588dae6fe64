"""A folder of labels is a table of its objects, called as a pattern says."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from pydantic import ValidationError

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from workers.labels.settings import Labels
from workers.labels.table import ids_of, read_labels


def folder(tmp_path: Path, *names: str) -> str:
    for name in names:
        path = tmp_path / "labels" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return f"{tmp_path}/labels/"


def read(uri: str, pattern: str) -> dict[str, str]:
    """Uris below the folder by id."""
    table, _ = read_labels(Labels(uri=uri, pattern=pattern), StorageSettings())
    return {name: found.removeprefix(uri) for name, found in table.select("record_id", "uri").iter_rows()}


def test_every_object_that_is_called_so_is_a_label(tmp_path: Path) -> None:
    uri = folder(tmp_path, "a.nii.gz", "deep/b.nii.gz", "notes.txt")
    assert read(uri, "{id}") == {name: name for name in ("a.nii.gz", "deep/b.nii.gz", "notes.txt")}
    assert read(uri, "{stem}.nii.gz") == {"a": "a.nii.gz", "deep/b": "deep/b.nii.gz"}


def test_what_stands_around_the_id_is_taken_as_it_is(tmp_path: Path) -> None:
    uri = folder(tmp_path, "case-1_seg.nii.gz", "case-1Xseg.nii.gz", "1.2.840.5/seg.nii.gz")
    assert read(uri, "case-{stem}_seg.nii.gz") == {"1": "case-1_seg.nii.gz"}
    assert read(uri, "{id}/seg.nii.gz") == {"1.2.840.5": "1.2.840.5/seg.nii.gz"}


@pytest.mark.parametrize(
    ("record", "stem"),
    [
        ("a.nii.gz", "a"),
        ("b/c.d.nrrd", "b/c.d"),
        ("1.2.840.113619.5", "1.2.840.113619.5"),
        ("plain", "plain"),
        ("x.mha", "x"),
    ],
)
def test_an_id_without_its_ending(record: str, stem: str) -> None:
    found = pl.select(ids_of(Labels(uri="l/", pattern="{stem}.nii.gz"), pl.lit(record), pl.String())).item()
    assert found == stem
    whole = pl.select(ids_of(Labels(uri="l/", pattern="{id}"), pl.lit(record), pl.String())).item()
    assert whole == record


def test_its_digest_changes_with_names_and_sizes_alone(tmp_path: Path) -> None:
    uri = folder(tmp_path, "a.nii", "b.nii")
    asked = Labels(uri=uri, pattern="{id}")
    first = read_labels(asked, StorageSettings())[1]
    assert read_labels(asked, StorageSettings())[1] == first
    folder(tmp_path, "c.nii")
    assert read_labels(asked, StorageSettings())[1] != first


def test_a_folder_without_a_label_and_one_without_a_pattern_are_refused(tmp_path: Path) -> None:
    uri = folder(tmp_path, "a.nii")
    with pytest.raises(SpecError, match=r"none of its 1 objects is called as labels\.pattern says"):
        read(uri, "{id}.nrrd")
    with pytest.raises(SpecError, match=r"is a folder: name a table"):
        read_labels(Labels(uri=uri), StorageSettings())


def test_one_id_of_two_objects_is_refused(tmp_path: Path) -> None:
    uri = folder(tmp_path, "a.nii.gz", "a.nii")
    assert len(read(uri, "{id}")) == 2
    with pytest.raises(ValidationError, match=r"needs .id. or .stem., once"):
        Labels(uri=uri, pattern="labels")
    with pytest.raises(ValidationError, match="delimiter is of a table"):
        Labels(uri=uri, pattern="{id}", delimiter=";")
