from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.spec_source import run_store, spec_from
from schemas.errors import SpecError, UsageError

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
    for text in (str(tmp_path / "out"), f"{tmp_path}/out/", f"file://{tmp_path}/out"):
        assert run_store(text).uri == str(tmp_path / "out")


def test_a_spec_opens_its_run_with_its_own_storage() -> None:
    output = {"uri": "/runs/small", "single_committer": True}
    store = run_store({**SPEC, "output": output, "storage": {"attempts": 3}})
    assert store.single_committer
    assert store.backoff.attempts == 3


def test_nothing_is_asked_of_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert run_store("s3://bucket/runs/1").uri == "s3://bucket/runs/1"


def test_what_is_neither_a_run_nor_a_spec_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ftp"):
        run_store("ftp://host/run")
    (tmp_path / "broken.yaml").write_text("job: [")
    with pytest.raises(SpecError, match=r"broken\.yaml"):
        run_store(str(tmp_path / "broken.yaml"))


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
