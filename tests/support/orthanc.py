"""A real PACS: Orthanc with its DICOMweb plugin, with a user and a password, that can be killed and started again."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

_ORACLES = Path(__file__).parents[2] / ".venv-oracles" / "debian"
_PLUGIN = "usr/share/orthanc/plugins/libOrthancDicomWeb.so"
USER, PASSWORD = "reader", "a-canary-of-a-password"


@cache
def _command() -> tuple[str, Path] | None:
    """The command and its plugin: what the machine has, else what `make oracles` unpacked."""
    for command, root in (
        (shutil.which("Orthanc"), Path("/")),
        (str(_ORACLES / "Orthanc"), _ORACLES / "root-Orthanc"),
    ):
        if command and Path(command).exists() and (root / _PLUGIN).exists():
            return command, root / _PLUGIN
    return None


needs_orthanc = pytest.mark.skipif(
    _command() is None, reason="Orthanc and its DICOMweb plugin are not here: `make oracles` fetches them"
)
"""Mark of a test, or of a module as `pytestmark`."""


class Orthanc:
    """Runs between `with` and the end of the block; what it stores stays in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"dicomweb+http://127.0.0.1:{self.port}/dicom-web"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Orthanc:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start, and wait until it answers."""
        found = _command()
        assert found is not None
        command, plugin = found
        settings = {
            "StorageDirectory": str(self._folder / "store"),
            "IndexDirectory": str(self._folder / "store"),
            "HttpPort": self.port,
            "DicomServerEnabled": False,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": True,
            "RegisteredUsers": {USER: PASSWORD},
            "Plugins": [str(plugin)],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        }
        path = self._folder / "orthanc.json"
        path.write_text(json.dumps(settings))
        with (self._folder / "log").open("ab") as log:
            # A group of its own: the command may be a script that starts it.
            self._process = subprocess.Popen([command, str(path)], stdout=log, stderr=log, start_new_session=True)
        until = time.monotonic() + 60
        while True:
            try:
                self._ask("GET", "/system")
                return
            except OSError:
                assert time.monotonic() < until, (self._folder / "log").read_text()
                time.sleep(0.1)

    def kill(self) -> None:
        """SIGKILL, as a machine that loses power."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(30)
            self._process = None

    def load(self, bodies: Iterable[bytes]) -> int:
        """Store these files. How many it took: some it refuses."""
        taken = 0
        for body in bodies:
            try:
                self._ask("POST", "/instances", body)
                taken += 1
            except urllib.error.HTTPError:
                continue
        return taken

    def delete(self, uid: str) -> None:
        """Take an instance away."""
        found = json.loads(self._ask("POST", "/tools/lookup", uid.encode()))
        self._ask("DELETE", f"/instances/{found[0]['ID']}")

    def lose(self, uid: str) -> None:
        """Take the file of an instance from its disk, as a disk does that fails; its index still has it. It must not
        run, since it keeps files in memory."""
        assert self._process is None
        named = re.compile(re.escape(uid.encode()) + rb"(?![0-9.])")
        for path in (self._folder / "store").rglob("*"):
            if path.is_file() and path.name.count("-") == 4 and named.search(path.read_bytes()[:2000]):
                path.unlink()

    def write_netrc(self, folder: Path) -> Path:
        """A file as people have it in their home."""
        path = folder / "netrc"
        path.write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
        path.chmod(0o600)
        return path

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body, method=method)
        who = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        request.add_header("Authorization", f"Basic {who}")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return bytes(answer.read())
