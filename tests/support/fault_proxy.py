"""A small HTTP proxy that breaks chosen requests on their way to a real S3 server.

The Host header is passed on as it came, since signatures cover it. One request a connection, on both sides.
"""

from __future__ import annotations

import random
import re
import socket
import struct
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from tests.support.wrong_answers import ASKED, CHANGED, MADE, answer, without

Kind = str
"""One of `tests.support.wrong_answers`, or: `reset_before`: the server never sees it. `reset_after`: the server acts
and its answer is lost. `truncate`: half of the body, then a reset. `slow`: the body in drops. `drip`: in drops that
never end. `stall`: no answer. `stall_body`: half of the body, then nothing for a while, then the rest. `swallowed`:
said to be written, and never seen by the server. `other`: the answer for the key that `Fault.instead` names. `again`:
the first answer to a question for the same, but for its query."""


@dataclass(frozen=True)
class Fault:
    """Break matching requests number `nth` (from 1) to `nth + times - 1`. `key` is searched in the decoded path."""

    kind: Kind
    method: str = ".*"
    key: str = ""
    nth: int = 1
    times: int = 1
    instead: tuple[str, str] = ("", "")
    """For `other`: a part of the key, and what stands there instead."""


@dataclass
class FaultProxy:
    """Listens on `endpoint_url` between `with` and the end of the block. `log` has (method, path, fault) in order.

    With `chance` > 0 any request may meet one of `kinds`, chosen by `seed`.
    """

    upstream: str
    faults: Sequence[Fault] = ()
    chance: float = 0.0
    kinds: Sequence[Kind] = ()
    seed: int = 0
    stall_seconds: float = 30.0
    replace: tuple[bytes, bytes] = (b"", b"")
    """In the bodies of answers: the second for the first, of equal length."""
    region: str = "us-east-1"
    page_keys: int = 0
    """Keys that a page of a list has at most, where that is not 0."""
    log: list[tuple[str, str, str]] = field(default_factory=list)

    def __enter__(self) -> FaultProxy:
        self._random = random.Random(self.seed)
        self._counts = [0] * len(self.faults)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._first: dict[tuple[str, str], bytes] = {}
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.endpoint_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._listener.close()

    def use(self, *faults: Fault) -> None:
        """Break these from now on, and forget what was counted and logged."""
        with self._lock:
            self.faults, self._counts = faults, [0] * len(faults)
            self.log.clear()

    def count(self, method: str, key: str = "") -> int:
        """How many such requests came."""
        return sum(seen == method and re.search(key, path) is not None for seen, path, _ in self.log)

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            try:
                request = _read_request(client)
                if request is not None:
                    self._answer(client, *request)
            except OSError:
                return

    def _answer(self, client: socket.socket, head: bytes, body: bytes) -> None:
        method, target = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")[:2]
        path = unquote(target)
        fault = self._choose(method, path)
        kind = "" if fault is None else fault.kind
        with self._lock:
            self.log.append((method, path, kind))
        if kind in MADE:
            made = MADE[kind]
            client.sendall(made.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if method == "HEAD" and made else made)
        elif kind == "swallowed":
            client.sendall(answer("200 OK", more='ETag: "0"\r\n'))
        elif kind == "reset_before":
            _reset(client)
        elif kind == "stall":
            self._closing.wait(self.stall_seconds)
        else:
            self._deliver(client, kind, self._answered(fault, method, target, head, body))

    def _answered(self, fault: Fault | None, method: str, target: str, head: bytes, body: bytes) -> bytes:
        """What the server answers, as it is passed on."""
        kind = "" if fault is None else fault.kind
        same = (method, target.partition("?")[0])
        if kind == "again" and same in self._first:
            return self._first[same]
        if fault is not None and kind == "other":
            head = without((), (fault.instead[0].encode(), fault.instead[1].encode()))(head, self.region)
        elif kind in ASKED:
            head = without(ASKED[kind])(head, self.region)
        if self.page_keys and b"list-type=2" in head:
            head = without((), (b"list-type=2", b"list-type=2&max-keys=%d" % self.page_keys))(head, self.region)
        found = self._altered(self._forward(head, body))
        self._first.setdefault(same, found)
        if kind in CHANGED:
            told, _, content = found.partition(b"\r\n\r\n")
            return b"\r\n\r\n".join(CHANGED[kind](told, content))
        return found

    def _choose(self, method: str, path: str) -> Fault | None:
        with self._lock:
            for number, fault in enumerate(self.faults):
                if re.fullmatch(fault.method, method) and re.search(fault.key, path):
                    self._counts[number] += 1
                    if 0 <= self._counts[number] - fault.nth < fault.times:
                        return fault
            if self._random.random() < self.chance:
                return Fault(self._random.choice(list(self.kinds)))
        return None

    def _forward(self, head: bytes, body: bytes) -> bytes:
        address = urlsplit(self.upstream)
        with socket.create_connection((address.hostname or "", address.port or 80)) as server:
            server.sendall(_closing_head(head) + body)
            return _read_to_end(server)

    def _altered(self, answer: bytes) -> bytes:
        return answer.replace(*self.replace) if self.replace[0] else answer

    def _deliver(self, client: socket.socket, kind: str, answer: bytes) -> None:
        head, _, body = answer.partition(b"\r\n\r\n")
        if kind == "reset_after":
            _reset(client)
        elif kind == "truncate":
            client.sendall(head + b"\r\n\r\n" + body[: len(body) // 2])
            time.sleep(0.02)
            _reset(client)
        elif kind == "drip":
            client.sendall(head + b"\r\n\r\n")
            for at in range(len(body)):
                if self._closing.wait(0.2):
                    return
                client.sendall(body[at : at + 1])
        elif kind == "stall_body":
            client.sendall(head + b"\r\n\r\n" + body[: len(body) // 2])
            self._closing.wait(self.stall_seconds)
            client.sendall(body[len(body) // 2 :])
        elif kind == "slow":
            client.sendall(head + b"\r\n\r\n")
            for start in range(0, len(body), max(1, len(body) // 10)):
                time.sleep(0.02)
                client.sendall(body[start : start + max(1, len(body) // 10)])
        else:
            client.sendall(answer)


def _read_request(client: socket.socket) -> tuple[bytes, bytes] | None:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = client.recv(65536)
        if not chunk:
            return None
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    wanted = int(length.group(1)) if length else 0
    if len(body) < wanted and re.search(rb"\r\nexpect: *100-continue", head, re.IGNORECASE):
        client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    parts = [body]
    received = len(body)
    while received < wanted:
        chunk = client.recv(1 << 20)
        if not chunk:
            return None
        parts.append(chunk)
        received += len(chunk)
    return head + b"\r\n\r\n", b"".join(parts)


def _closing_head(head: bytes) -> bytes:
    """The same head with `Connection: close`; neither that nor Expect is covered by a signature."""
    lines = head.rstrip(b"\r\n").split(b"\r\n")
    kept = [line for line in lines if not line.lower().startswith((b"connection:", b"expect:"))]
    return b"\r\n".join([*kept, b"Connection: close", b"", b""])


def _read_to_end(server: socket.socket) -> bytes:
    parts = []
    while chunk := server.recv(1 << 20):
        parts.append(chunk)
    return b"".join(parts)


def _reset(client: socket.socket) -> None:
    """Close so that the other side sees a reset, not an end."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
