"""Which ports and sockets a process and its children have open, and what they answer to whom."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

NOBODY = 65534

_ASK = """
import encodings.idna, http.client, json, os, socket, sys
def answer(host, port, method):
    try:
        connection = http.client.HTTPConnection(host, port, timeout=3)
        place, body = ("/alien.txt", b"alien") if method == "PUT" else ("/metrics", None)
        connection.request(method, place, body)
        return str(connection.getresponse().status)
    except Exception as error:
        return type(error).__name__
def reach(path):
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(path)
        return "open"
    except OSError as error:
        return type(error).__name__
def look(path):
    try:
        os.listdir(path)
        return "open"
    except OSError as error:
        return type(error).__name__
asked = json.load(sys.stdin)
if asked["user"] is not None:
    # Only now: the interpreter may lie where the other user reads nothing.
    os.setgroups([])
    os.setgid(asked["user"])
    os.setuid(asked["user"])
print(json.dumps({
    "ports": {f"{one[0]}:{one[1]}": [answer(*one, "GET"), answer(*one, "PUT")] for one in asked["ports"]},
    "sockets": {path: reach(path) for path in asked["sockets"]},
    "folders": {path: look(path) for path in asked["folders"]},
}))
"""


@dataclass(frozen=True)
class Door:
    """A port that somebody listens on."""

    process: str
    address: str
    port: int


def doors(root: int) -> list[Door]:
    """Every TCP port that this process or a child of it listens on."""
    found = set()
    for process in _family(root):
        for each in process.net_connections(kind="inet"):
            if each.status == psutil.CONN_LISTEN:
                found.add(Door(_role(process), each.laddr.ip.removeprefix("::ffff:"), each.laddr.port))
    return sorted(found, key=lambda door: (door.process, door.port))


def sockets(root: int) -> list[str]:
    """Paths of the unix sockets that they have, which lie on a disk."""
    found = {each.laddr for process in _family(root) for each in process.net_connections(kind="unix")}
    return sorted(path for path in found if isinstance(path, str) and path.startswith("/"))


def asked(
    ports: Iterable[tuple[str, int]], paths: Iterable[str] = (), folders: Iterable[Path] = (), user: int | None = None
) -> dict[str, dict[str, object]]:
    """What each says to somebody without credentials, as another user of the machine where one is named."""
    request = {"ports": list(ports), "sockets": list(paths), "folders": [str(path) for path in folders], "user": user}
    done = subprocess.run(
        [sys.executable, "-I", "-c", _ASK],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        cwd="/",
        check=True,
        timeout=120,
    )
    found: dict[str, dict[str, object]] = json.loads(done.stdout)
    return found


def is_root() -> bool:
    """Whether tests may become another user."""
    return os.geteuid() == 0


def other_address() -> str:
    """An address of this machine that reaches who listens on all of them, and not who listens on 127.0.0.1."""
    found = [each.address for many in psutil.net_if_addrs().values() for each in many if each.family == socket.AF_INET]
    return next((address for address in found if not address.startswith("127.")), "127.0.0.2")


def _family(root: int) -> list[psutil.Process]:
    process = psutil.Process(root)
    return [process, *process.children(recursive=True)]


def _role(process: psutil.Process) -> str:
    line = " ".join(process.cmdline()[:6])
    parts = ("gcs_server", "raylet", "runtime_env/agent", "dashboard/agent.py", "weed", "ray::", "dashboard")
    return next((part for part in parts if part in line), process.name())
