from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from cluster.storage import StorageSettings, Store, open_store
from cluster.storage.cache import fetch_directory
from schemas.errors import InfrastructureError, RefusedError, SecurityError, UsageError
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.seaweed import S3

FILES = {
    "config.json": b"{}",
    "weights/model.safetensors": os.urandom(300_000),
    ".hidden": b"counts",
    "a b é.txt": b"x",
}


@pytest.fixture
def model(s3: S3, bucket_prefix: str) -> Store:
    store = open_store(bucket_prefix, s3.settings)
    for key, body in FILES.items():
        store.put(key, body, {})
    return store


def on_disk(folder: Path) -> Path:
    for key, body in FILES.items():
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(body)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def partials(cache: Path) -> list[Path]:
    return list(cache.glob(".partial-*"))


def test_the_digest_is_that_of_sha256sum(tmp_path: Path) -> None:
    folder = on_disk(tmp_path / "model")
    fetched = fetch_directory(str(folder))
    command = "find . -type f -printf '%P\\0' | xargs -0 sha256sum | LC_ALL=C sort | sha256sum"
    expected = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, check=True)
    assert fetched.digest == expected.stdout.split()[0]
    assert contents(fetched.path) == contents(folder)
    assert set(fetched.files) == set(FILES)


def test_a_directory_on_s3_is_the_same_as_on_disk(s3: S3, model: Store, tmp_path: Path) -> None:
    fetched = fetch_directory(model.uri + "/", s3.settings, tmp_path / "cache")
    local = fetch_directory(str(on_disk(tmp_path / "local")))
    assert (fetched.digest, fetched.files) == (local.digest, local.files)
    assert fetched.path == tmp_path / "cache" / fetched.digest
    assert contents(fetched.path) == FILES


def test_a_second_fetch_downloads_nothing(s3: S3, model: Store, tmp_path: Path) -> None:
    with FaultProxy(s3.endpoint_url) as proxy:
        settings = s3.through(proxy.endpoint_url)
        first = fetch_directory(model.uri, settings, tmp_path)
        proxy.use()
        assert fetch_directory(model.uri, settings, tmp_path) == first
        assert [path for method, path, _ in proxy.log if "list-type" not in path] == []


def test_another_content_under_the_same_uri_is_another_directory(s3: S3, model: Store, tmp_path: Path) -> None:
    first = fetch_directory(model.uri, s3.settings, tmp_path)
    model.put("config.json", b"{ }", {})
    second = fetch_directory(model.uri, s3.settings, tmp_path)
    assert first.digest != second.digest
    assert (first.path / "config.json").read_bytes() == b"{}"
    assert (second.path / "config.json").read_bytes() == b"{ }"


def test_the_same_content_under_two_uris_is_kept_once(s3: S3, model: Store, tmp_path: Path) -> None:
    other = open_store(f"{model.uri}-{uuid.uuid4().hex}", s3.settings)
    for key, body in FILES.items():
        other.put(key, body, {})
    assert (
        fetch_directory(model.uri, s3.settings, tmp_path).path == fetch_directory(other.uri, s3.settings, tmp_path).path
    )
    assert partials(tmp_path) == []


def test_a_damaged_cache_is_noticed_and_mended(s3: S3, model: Store, tmp_path: Path) -> None:
    first = fetch_directory(model.uri, s3.settings, tmp_path)
    weights = first.path / "weights" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    assert fetch_directory(model.uri, s3.settings, tmp_path) == first
    assert contents(first.path) == FILES


def test_another_digest_than_expected_is_refused_naming_both(s3: S3, model: Store, tmp_path: Path) -> None:
    right = fetch_directory(model.uri, s3.settings, tmp_path).digest
    assert fetch_directory(model.uri, s3.settings, tmp_path, expected_sha256=right).digest == right
    with pytest.raises(RefusedError, match=f"{right}.*{'0' * 64}"):
        fetch_directory(model.uri, s3.settings, tmp_path, expected_sha256="0" * 64)


def test_a_directory_that_is_not_there_is_a_wrong_uri(s3: S3, bucket_prefix: str, tmp_path: Path) -> None:
    for uri in (bucket_prefix, str(tmp_path / "nowhere")):
        with pytest.raises(UsageError, match="empty or does not exist"):
            fetch_directory(uri, s3.settings, tmp_path)


def test_directory_markers_are_not_files(s3: S3, model: Store, tmp_path: Path) -> None:
    before = fetch_directory(model.uri, s3.settings, tmp_path).digest
    model.put("weights/", b"", {})
    assert fetch_directory(model.uri, s3.settings, tmp_path).digest == before


def test_a_key_that_climbs_is_refused_before_anything_is_written(s3: S3, model: Store, tmp_path: Path) -> None:
    """SeaweedFS takes no such key, though others do, so its listing is altered on the way."""
    with FaultProxy(s3.endpoint_url, replace=(b"config.json", b"../fig.json")) as proxy, pytest.raises(SecurityError):
        fetch_directory(model.uri, s3.through(proxy.endpoint_url), tmp_path / "cache")
    assert contents(tmp_path) == {}


def test_a_download_that_fails_leaves_nothing_that_could_be_taken_for_a_model(
    s3: S3, model: Store, tmp_path: Path
) -> None:
    with FaultProxy(s3.endpoint_url, [Fault("truncate", "GET", "safetensors", times=99)]) as proxy:
        settings = s3.through(proxy.endpoint_url)
        with pytest.raises(InfrastructureError):
            fetch_directory(model.uri, settings, tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["index"]
        proxy.use()
        assert contents(fetch_directory(model.uri, settings, tmp_path).path) == FILES


def test_the_cache_lies_where_the_environment_says(
    s3: S3, model: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARDROUND_CACHE", str(tmp_path / "named"))
    assert fetch_directory(model.uri, s3.settings).path.parent == tmp_path / "named"
    monkeypatch.delenv("WARDROUND_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert fetch_directory(model.uri, s3.settings).path.parent == tmp_path / "home/.cache/wardround/models"


_FETCHER = """
import sys
from pathlib import Path
from cluster.storage import StorageSettings, fetch_directory
print("ready", flush=True)
sys.stdin.readline()
print(fetch_directory(sys.argv[1], StorageSettings(endpoint_url=sys.argv[2]), Path(sys.argv[3])).digest)
"""


def start(uri: str, endpoint: str, cache: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _FETCHER, uri, endpoint, str(cache)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_two_processes_at_once_download_once(s3: S3, model: Store, tmp_path: Path) -> None:
    with FaultProxy(s3.endpoint_url) as proxy:
        racers = [start(model.uri, proxy.endpoint_url, tmp_path) for _ in range(2)]
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("\n")
            racer.stdin.flush()
        digests = {racer.communicate()[0].strip() for racer in racers}
        assert proxy.count("GET", "safetensors") == 1
    assert digests == {fetch_directory(model.uri, s3.settings, tmp_path).digest}
    assert partials(tmp_path) == []


def test_a_process_killed_in_its_download_does_not_stand_in_the_way(s3: S3, model: Store, tmp_path: Path) -> None:
    with FaultProxy(s3.endpoint_url, [Fault("stall", "GET", "safetensors")]) as proxy:
        process = start(model.uri, proxy.endpoint_url, tmp_path)
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
        while not proxy.count("GET", "safetensors"):
            assert process.poll() is None
        process.kill()
        process.communicate()
    assert len(partials(tmp_path)) == 1
    settings: StorageSettings = s3.settings
    assert contents(fetch_directory(model.uri, settings, tmp_path).path) == FILES
    assert partials(tmp_path) == []


def test_a_user_without_a_home_is_told_to_name_a_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("WARDROUND_CACHE", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(InfrastructureError, match="no home directory for the model cache: set WARDROUND_CACHE"):
        fetch_directory(str(on_disk(tmp_path / "model")))
