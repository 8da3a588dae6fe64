"""A first look at genotypes says which format they have."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.storage import StorageSettings
from workers.genomics.genotypes.draft import draft


@pytest.mark.parametrize(
    ("uri", "format"),
    [
        ("one.bed", "bed"), ("one", "pgen"), ("many/", "bgen"), ("many/chr*", "bgen"), ("many/chr1.bgen", "bgen"),
        ("table", "table"), ("none", "table"), ("gone.pgen", "pgen"),
    ],
)  # fmt: skip
def test_formats_are_told_by_what_lies_there(tmp_path: Path, uri: str, format: str) -> None:
    (tmp_path / "many").mkdir()
    (tmp_path / "table").mkdir()
    for name in ("one.pgen", "many/chr1.bgen", "many/chr2.bgen", "table/dataset.json"):
        (tmp_path / name).touch()
    found = draft(f"{tmp_path}/{uri}", StorageSettings(), {})
    assert found.keys == {"format": format}
    assert found.remarks == ["build is not said by the files: with it a score for another build is refused by name"]
    assert draft(f"{tmp_path}/{uri}", StorageSettings(), {"format": "bed", "build": "GRCh38"}).remarks == []
