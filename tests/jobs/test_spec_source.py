from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.spec_source import run_store, spec_from
from schemas.errors import SpecError

SPEC: dict[str, Any] = {
    "job": "predict",
    "name": "small",
    "input": {"collection": "images", "uri": "/archive"},
    "models": {"mean": {"uri": "/model"}},
    "output": {"uri": "/runs/small"},
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "spec.yaml"
    path.write_text(yaml.safe_dump(SPEC))
    return path


def test_a_file_a_uri_a_mapping_and_a_spec_are_one_spec(file: Path) -> None:
    spec = spec_from(SPEC)
    assert spec.name == "small"
    assert spec_from(str(file)) == spec_from(file) == spec_from(f"file://{file}") == spec
    assert spec_from(spec) == spec


def test_a_run_is_named_by_its_directory_or_by_its_spec(file: Path, tmp_path: Path) -> None:
    assert run_store(file).uri == run_store(SPEC).uri == "/runs/small"
    assert run_store(str(tmp_path / "out")).uri == str(tmp_path / "out")


@pytest.mark.parametrize(
    ("body", "said"), [(None, "no such object"), (b"\xff", "is not UTF-8 text"), (b"job: predict", "name")]
)
def test_an_object_that_is_no_spec_is_told_by_its_uri_or_its_fault(
    tmp_path: Path, body: bytes | None, said: str
) -> None:
    if body is not None:
        (tmp_path / "spec.yaml").write_bytes(body)
    with pytest.raises(SpecError, match=said):
        spec_from(f"file://{tmp_path}/spec.yaml")


def test_a_mapping_with_a_key_that_is_not_known_is_refused() -> None:
    with pytest.raises(SpecError, match="modles"):
        spec_from({**SPEC, "modles": {}})
