from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from workers.ehr.convert_fhir.files import export_files
from workers.ehr.convert_fhir.settings import FhirInput
from workers.ehr.meds.chunks import InputFile


def files(uri: Path, **settings: Any) -> list[InputFile]:
    return export_files(FhirInput(uri=str(uri), format="fhir", **settings), StorageSettings())


def manifest(folder: Path, **lists: list[dict[str, Any]]) -> Path:
    path = folder / "manifest.json"
    path.write_text(json.dumps(lists))
    return path


def test_a_directory_gives_its_files_of_json_by_key_and_no_others(tmp_path: Path) -> None:
    names = ["a.ndjson.gz", "b.ndjson", "c.json", "d.json.gz", "e.jsonl"]
    for name in (*names, "readme.txt", "ndjson", "x.json.txt"):
        (tmp_path / name).write_bytes(b"{}\n")
    assert [(found.key, found.kind) for found in files(tmp_path)] == [(name, None) for name in names]


def test_one_file_may_be_the_whole_export(tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_text('{"resourceType": "Bundle"}')
    (tmp_path / "b.ndjson").write_text("{}\n")
    assert [found.key for found in files(tmp_path / "bundle.json")] == ["bundle.json"]
    assert [found.key for found in files(tmp_path / "b.ndjson")] == ["b.ndjson"]
    with pytest.raises(SpecError, match="names a file that is not there"):
        files(tmp_path / "gone.ndjson")


def test_a_document_is_one_chunk(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"x" * 100)
    assert tuple(files(tmp_path, chunk_bytes=30)[0].cuts) == (0, 100)


def test_a_gzipped_file_is_one_chunk_and_a_plain_one_is_cut(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson.gz").write_bytes(b"x" * 100)
    (tmp_path / "b.ndjson").write_bytes(b"x" * 100)
    gzipped, plain = files(tmp_path, chunk_bytes=30)
    assert tuple(gzipped.cuts) == (0, 100)
    assert (plain.cuts[0], plain.cuts[-1]) == (0, 100)
    assert len(plain.cuts) > 2


def test_a_manifest_gives_its_order_and_names_each_file_once(tmp_path: Path) -> None:
    for name in ("1.ndjson", "2.ndjson", "3.ndjson"):
        (tmp_path / name).write_bytes(b"{}\n")
    path = manifest(
        tmp_path,
        output=[
            {"url": "https://host/export/2.ndjson", "type": "Patient", "count": 1},
            {"url": "./1.ndjson", "type": "Condition"},
            {"url": "2.ndjson", "type": "Patient"},
        ],
        deleted=[{"url": "3.ndjson", "type": "Bundle"}],
    )
    assert [(found.key, found.kind) for found in files(path)] == [
        ("2.ndjson", "Patient"),
        ("1.ndjson", "Condition"),
        ("3.ndjson", "Bundle"),
    ]


@pytest.mark.parametrize("url", ["../outside.ndjson", "gone.ndjson", "https://host/", ""])
def test_a_file_that_is_not_beside_the_manifest_is_told_by_its_number(tmp_path: Path, url: str) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "outside.ndjson").write_bytes(b"{}\n")
    (tmp_path / "here" / "1.ndjson").write_bytes(b"{}\n")
    path = manifest(tmp_path / "here", output=[{"url": "1.ndjson"}, {"url": url}])
    with pytest.raises(SpecError, match="file 2 of the manifest is not beside it"):
        files(path)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"output": 5}', '{"output": [{"url": 5}]}', '{"output": ["x"]}', "[" * 99_999]
)
def test_what_is_no_manifest_is_told_so(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(SpecError, match="not the manifest of a bulk export"):
        files(tmp_path / "m.json")


def test_a_manifest_that_is_not_there_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="a manifest that is not there"):
        files(tmp_path / "m.json")


def test_a_directory_without_such_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"nothing lies at input\.uri"):
        files(tmp_path / "nothing")
    (tmp_path / "readme.txt").write_text("about")
    with pytest.raises(SpecError, match="name the directory of a FHIR export"):
        files(tmp_path)
