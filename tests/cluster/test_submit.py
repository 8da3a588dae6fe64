"""Submitting to a real cluster that asks for a token, over HTTP on this machine and over TLS from outside."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from cluster.submit import CHECK, ENTRYPOINT, SubmitSettings, authentication_mode, check_is_safe, submit
from schemas.errors import InfrastructureError, SecurityError, UsageError
from tests.support.ray_cluster import TokenCluster
from tests.support.tls_proxy import TlsProxy, write_certificate

COMMAND = """
import sys
from pathlib import Path
from cluster.submit import SubmitSettings, submit
from schemas.errors import WardroundError
settings = SubmitSettings.model_validate_json(sys.argv[3])
try:
    done = submit(Path(sys.argv[1]).read_bytes(), sys.argv[2], settings, lambda text: print(text, end="", flush=True))
except WardroundError as error:
    print(type(error).__name__, error)
    sys.exit(error.exit_code)
print("id", done.submission_id)
sys.exit(done.exit_code)
"""


def start(spec: Path, run: str, settings: SubmitSettings, environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(spec), run, settings.model_dump_json()],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "my study.yaml"
    path.write_text("job: predict\nname: a-spec-that-travels\n")
    (tmp_path / "secret.txt").write_text("stays here")
    return path


@pytest.fixture
def run_name() -> str:
    return uuid.uuid4().hex[:12]


@pytest.fixture(scope="module")
def proxy(token_cluster: TokenCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TlsProxy, Path]]:
    """The cluster's dashboard as seen from outside: an address of this machine that is not loopback, with TLS."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but loopback")
        host = probe.getsockname()[0]
    certificate, key = write_certificate(tmp_path_factory.mktemp("tls"), host)
    server = TlsProxy(host, int(token_cluster.dashboard.rsplit(":")[-1]), certificate, key)
    yield server, certificate
    server.close()


@pytest.mark.long
def test_the_spec_travels_alone_the_exit_code_comes_back_and_the_run_may_be_submitted_again(
    token_cluster: TokenCluster, spec: Path, run_name: str
) -> None:
    settings = SubmitSettings(address=token_cluster.dashboard, entrypoint="cat spec.yaml; ls; exit 4")
    for attempt in (1, 2):
        job = start(spec, run_name, settings, {**token_cluster.environment(), "RAY_ADDRESS": "192.0.2.77:1"})
        out, err = job.communicate(timeout=120)
        assert job.returncode == 4, err
        assert "name: a-spec-that-travels" in out
        assert "secret.txt" not in out
        assert f"id wardround-{run_name}-{attempt}" in out


def lines_until_it_began(process: subprocess.Popen[str]) -> list[str]:
    """What it shows of the job up to the job's first word: from then on it follows."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.strip())
        if lines[-1] == "began":
            break
    return lines


@pytest.mark.long
def test_the_same_run_is_followed_not_doubled_and_goes_on_when_following_is_interrupted(
    token_cluster: TokenCluster, spec: Path, run_name: str, tmp_path: Path
) -> None:
    count, go = tmp_path / "count", tmp_path / "go"
    entrypoint = f"echo began; echo x >> {count}; while [ ! -e {go} ]; do sleep 0.2; done; echo ended"
    settings = SubmitSettings(address=token_cluster.dashboard, entrypoint=entrypoint)
    first = start(spec, run_name, settings, token_cluster.environment())
    lines_until_it_began(first)
    second = start(spec, run_name, settings, token_cluster.environment())
    seen = lines_until_it_began(second)
    first.send_signal(signal.SIGINT)
    out, err = first.communicate(timeout=180)
    assert first.returncode == 130, err
    assert f"wardround-{run_name}-1 goes on" in out
    go.touch()
    out, err = second.communicate(timeout=180)
    assert second.returncode == 0, err
    assert [line for line in [*seen, *out.splitlines()] if line in ("began", "ended")] == ["began", "ended"]
    assert count.read_text() == "x\n"


def test_from_outside_it_takes_tls_and_a_token(
    token_cluster: TokenCluster, proxy: tuple[TlsProxy, Path], spec: Path, run_name: str
) -> None:
    server, certificate = proxy
    settings = SubmitSettings(address=server.address, ca_file=str(certificate), entrypoint="echo through TLS")
    assert authentication_mode(settings) == "token"
    job = start(spec, run_name, settings, token_cluster.environment())
    out, err = job.communicate(timeout=120)
    assert (job.returncode, "through TLS" in out) == (0, True), err


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(proxy: tuple[TlsProxy, Path]) -> None:
    with pytest.raises(InfrastructureError, match="CERTIFICATE_VERIFY_FAILED"):
        check_is_safe(SubmitSettings(address=proxy[0].address))


def test_a_wrong_token_is_refused_with_the_remedy(token_cluster: TokenCluster, spec: Path) -> None:
    settings = SubmitSettings(address=token_cluster.dashboard, entrypoint="echo never")
    job = start(spec, "r", settings, token_cluster.environment("f" * 64))
    out, _ = job.communicate(timeout=120)
    assert job.returncode == 3
    assert "SecurityError" in out
    assert "RAY_AUTH_TOKEN_PATH" in out
    assert "f" * 64 not in out


def test_an_unencrypted_address_elsewhere_is_refused_before_anything_is_sent(spec: Path) -> None:
    with pytest.raises(SecurityError, match="not encrypted") as caught:
        submit(spec.read_bytes(), "r", SubmitSettings(address="http://192.0.2.1:8265"), print)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("address", ["http://127.0.0.1:8265", "http://localhost:8265/", "http://[::1]:8265"])
def test_this_machine_needs_no_tls(address: str) -> None:
    check_is_safe(SubmitSettings(address=address))


@pytest.mark.parametrize("address", ["head:8265", "ray://head:10001", "auto", "https://"])
def test_an_address_of_another_kind_is_refused(address: str, spec: Path) -> None:
    with pytest.raises(UsageError):
        submit(spec.read_bytes(), "r", SubmitSettings(address=address), print)


def test_a_cluster_that_is_not_there_is_an_infrastructure_error(spec: Path, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment |= {"PYTHONPATH": str(Path(__file__).parents[2]), "HOME": str(tmp_path)}
    job = start(spec, "r", SubmitSettings(address="http://127.0.0.1:1"), environment)
    out, err = job.communicate(timeout=120)
    assert job.returncode == 4, err
    assert "http://127.0.0.1:1" in out


@pytest.mark.parametrize(
    ("wanted", "code", "part"),
    [("99.0", 1, "has wardround "), (version("wardround"), 0, "")],
    ids=["another", "the same"],
)
def test_a_node_says_that_its_wardround_is_another_before_it_runs_anything(wanted: str, code: int, part: str) -> None:
    done = subprocess.run([sys.executable, "-P", "-c", CHECK, wanted], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert part in done.stdout
    assert ("install that version on every node" in done.stdout) == bool(code)


def test_a_node_without_wardround_ends_the_job_with_exit_code_2() -> None:
    # Without site-packages there is none.
    bare = ENTRYPOINT.replace("python -P", f"{sys.executable} -S -I")
    done = subprocess.run(bare, shell=True, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout.startswith("wardround: a node of the cluster has no wardround, and the spec was submitted by")
