"""From what was typed to a run directory."""

from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.cli.locate import locate
from schemas.errors import SpecError, UsageError


def test_a_path_or_a_uri_is_the_run_directory_itself(tmp_path: Path) -> None:
    for text in (str(tmp_path / "out"), f"{tmp_path}/out/", f"file://{tmp_path}/out"):
        found = locate(text)
        assert (found.store.uri, found.spec) == (str(tmp_path / "out"), None)


def test_a_spec_is_the_run_that_it_is_of_with_its_own_storage(make_spec: Callable[..., Path], tmp_path: Path) -> None:
    output = f"{{uri: {tmp_path / 'out'}, single_committer: true}}"
    found = locate(str(make_spec(output=output, storage="{attempts: 3}")))
    assert found.store.uri == str(tmp_path / "out")
    assert found.store.single_committer
    assert found.store.backoff.attempts == 3
    assert found.spec is not None
    assert found.spec.name == "small"


def test_nothing_is_asked_of_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert locate("s3://bucket/runs/1").store.uri == "s3://bucket/runs/1"


def test_what_is_neither_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ftp"):
        locate("ftp://host/run")
    (tmp_path / "broken.yaml").write_text("job: [")
    with pytest.raises(SpecError, match=r"broken\.yaml"):
        locate(str(tmp_path / "broken.yaml"))
