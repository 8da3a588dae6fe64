"""A small DICOMweb service that speaks real HTTP, and breaks chosen answers as real ones never do on demand."""

from __future__ import annotations

import gzip
import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from urllib.parse import parse_qsl, urlsplit

import pydicom
from pydicom import Dataset
from pydicom.datadict import tag_for_keyword

BOUNDARY = "the-boundary"
_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_COUNTS = ("00201206", "00201209", "")
_PATH = re.compile(r"^(?:/([0-9.]+)/series(?:/([0-9.]+)/instances(?:/([0-9.]+))?)?)?$")


@dataclass(frozen=True)
class Answered:
    """One answer. `chunked`: sent in chunks, without a length. `cut`: bytes of the body that are sent at most, before
    the connection is closed, after `stall` seconds of silence."""

    status: int
    body: bytes = b""
    kind: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    chunked: bool = False
    cut: int | None = None
    stall: float = 0.0


def _part(one: Answered, change: Callable[[bytes], bytes]) -> Answered:
    return replace(one, body=change(one.body))


def _without_end(one: Answered) -> Answered:
    return _part(one, lambda body: body[: -len(BOUNDARY) - 8])


def _zipped(one: Answered) -> Answered:
    return replace(one, body=gzip.compress(one.body), headers={**one.headers, "Content-Encoding": "gzip"})


def _status(status: int, **headers: str) -> Callable[[Answered], Answered]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda one: Answered(status, b"not for you", "text/plain", named)


HTML = Answered(200, b"<html>sign in</html>", "text/html; charset=utf-8")
KINDS: Mapping[str, Callable[[Answered], Answered]] = {
    "html": lambda one: HTML,
    "html in parts": lambda one: _part(one, lambda body: body.replace(b"application/dicom", b"text/html", 1)),
    "json": lambda one: replace(one, kind="application/json"),
    "half": lambda one: replace(one, cut=len(one.body) // 2),
    "stalls": lambda one: replace(one, cut=len(one.body) // 2, stall=20.0),
    "half, in chunks": lambda one: replace(one, chunked=True, cut=len(one.body) // 2),
    "without its last boundary": _without_end,
    "without its last boundary, in chunks": lambda one: replace(_without_end(one), chunked=True),
    "shorter than its part says": lambda one: _part(
        one, lambda body: body[: -len(BOUNDARY) - 40] + body[-len(BOUNDARY) - 8 :]
    ),
    "two parts": lambda one: _part(one, lambda body: body.replace(b"\r\n--the-boundary--", b"") + b"\r\n" + body),
    "no part": lambda one: replace(one, body=b"--the-boundary--\r\n"),
    "no boundary": lambda one: replace(one, kind='multipart/related; type="application/dicom"'),
    "empty": lambda one: replace(one, body=b""),
    "no DICOM": lambda one: _multipart(b"no instance at all " * 50),
    "gzip": _zipped,
    "half of a gzip": lambda one: _part(_zipped(one), lambda body: body[: len(body) // 2]),
    "no gzip, and says so": lambda one: replace(one, headers={"Content-Encoding": "gzip"}),
    "chunks": lambda one: replace(one, chunked=True),
    "chunks without a size": lambda one: replace(
        one, chunked=True, body=re.sub(rb"Content-Length: \d+\r\n", b"", one.body, count=1)
    ),
    "as it is": lambda one: replace(one, body=unwrapped(one.body), kind="application/dicom"),
    "as it is, half": lambda one: replace(
        one, body=unwrapped(one.body), kind="application/dicom", cut=len(one.body) // 2
    ),
    "as it is, without an end": lambda one: replace(
        one, body=unwrapped(one.body), kind="application/dicom", headers={"Connection": "close", "no-length": ""}
    ),
    "says nothing": lambda one: Answered(0),
    "padded": lambda one: _part(one, lambda body: re.sub(rb'("vr": "UI", "Value": \["[0-9.]+)', rb"\g<1> ", body)),
    "nothing found": lambda one: Answered(204),
    "of another study": lambda one: _part(
        one, lambda body: re.sub(rb'("0020000D": .*?"Value": \[")[0-9.]+', rb"\g<1>9.9", body)
    ),
    "redirects": _status(302, Location="https://elsewhere.example/"),
    "moved": _status(301, Location="https://elsewhere.example/"),
    "see there": _status(307, Location="https://elsewhere.example/"),
    "asks to wait": _status(503, Retry_After="1"),
    "asks to wait for an hour": _status(503, Retry_After="3600"),
    **{
        str(status): _status(status)
        for status in (400, 401, 403, 404, 406, 410, 413, 415, 418, 429, 500, 501, 502, 503)
    },
}


def unwrapped(body: bytes) -> bytes:
    """The only part of a body."""
    return body.partition(b"\r\n\r\n")[2].removesuffix(f"\r\n--{BOUNDARY}--\r\n".encode())


@dataclass(frozen=True)
class Fault:
    """Answers number `nth` (from 1) to `nth + times - 1` to what `path` is found in are of a kind in `KINDS`, or
    `other`: another instance than was asked for."""

    kind: str
    path: str = ""
    nth: int = 1
    times: int = 1


class DicomWebServer:
    """Serves these files below `url`, between `with` and the end of the block. `log` has the targets in order."""

    def __init__(self, files: Iterable[bytes]) -> None:
        self.files: dict[tuple[str, str, str], tuple[Dataset, bytes]] = {}
        for body in files:
            header = pydicom.dcmread(BytesIO(body), stop_before_pixels=True, force=True)
            uids = (str(header.StudyInstanceUID), str(header.SeriesInstanceUID), str(header.SOPInstanceUID))
            self.files[uids] = (header, body)
        self.log: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.faults: Sequence[Fault] = ()
        self.everything: str | None = None
        """A kind that every answer is of, whatever was asked."""
        self.everything_after: tuple[str, str, int] | None = None
        """What a target has in it, and how many of those are answered before everything is of a kind."""
        self.most = 10**9
        """Entries of a page, whatever limit says."""
        self.heeds_limit = self.heeds_offset = self.heeds_keys = True
        self.tells_counts = True
        self.overlap = 0
        """Entries of the page before that each page has again."""
        self.more_told = 0
        """How many more instances a series is said to have than are listed."""
        self._counts: dict[Fault, int] = {}
        self._lock = threading.Lock()
        self.at_once = self.most_at_once = 0
        self.connections = 0
        self.stopped = threading.Event()
        self.prefix = "/dicom-web"
        self.redirect_to = ""
        """Where redirects lead, instead of nowhere."""
        self.token = ""
        """What has to be sent, if anything; `on_refusal` is called where it was not."""
        self.on_refusal: Callable[[], object] = lambda: None
        self.pause = 0.0
        """Seconds before each answer."""

    def __enter__(self) -> DicomWebServer:
        handler = type("Handler", (_Handler,), {"service": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.port = self._server.server_address[1]
        self.url = f"dicomweb+http://127.0.0.1:{self.port}/dicom-web"
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()

    def use(self, *faults: Fault) -> None:
        """Break these from now on, and forget what was counted and logged."""
        with self._lock:
            self.faults, self._counts = faults, {}
            self.log.clear()
            self.headers.clear()

    @property
    def keys(self) -> list[str]:
        """The key of every instance, in the order of a plan."""
        return [f"studies/{study}/series/{series}/instances/{uid}" for study, series, uid in sorted(self.files)]

    def body(self, key: str) -> bytes:
        """The file that an instance was made of."""
        _, study, _, series, _, uid = key.split("/")
        return self.files[study, series, uid][1]

    def answer(self, target: str, headers: Mapping[str, str]) -> Answered:
        """What is answered, broken or not."""
        with self._lock:
            self.log.append(target)
            self.headers.append(dict(headers))
            if self.token and headers.get("Authorization") != f"Bearer {self.token}":
                self.on_refusal()
                return KINDS["401"](Answered(200))
            if self.everything_after is not None:
                path, broken, count = self.everything_after
                if sum(re.search(path, one) is not None for one in self.log) > count:
                    self.everything = broken
            kind = self.everything or self._chosen(target)
        if kind == "other":
            return self._found(target, other=True)
        good = self._found(target)
        broken = good if kind is None else KINDS[kind](good)
        if self.redirect_to and "Location" in broken.headers:
            return replace(broken, headers={"Location": self.redirect_to})
        return broken

    def _chosen(self, target: str) -> str | None:
        for fault in self.faults:
            if re.search(fault.path, target):
                count = self._counts[fault] = self._counts.get(fault, 0) + 1
                if 0 <= count - fault.nth < fault.times:
                    return fault.kind
        return None

    def _found(self, target: str, other: bool = False) -> Answered:
        address = urlsplit(target)
        path = address.path.removeprefix(f"{self.prefix}/studies")
        match = _PATH.match(path)
        if match is None:
            return Answered(404)
        within = [uid for uid in match.groups() if uid]
        found = [uids for uids in sorted(self.files) if list(uids[: len(within)]) == within]
        if len(within) == 3:
            if not found:
                return Answered(404, b"{}", "application/json")
            uids = next(uids for uids in sorted(self.files) if other != (uids == found[0]))
            return _multipart(self.files[uids][1])
        return self._listed(within, found, parse_qsl(address.query, keep_blank_values=True))

    def _listed(self, within: list[str], found: list[tuple[str, str, str]], query: list[tuple[str, str]]) -> Answered:
        keys = {name: value for name, value in query if name not in ("limit", "offset", "includefield")}
        asked, level = dict(query), len(within)
        entries = {}
        for uids in found:
            header = self.files[uids][0]
            if not self.heeds_keys or all(_is_match(header, name, value) for name, value in keys.items()):
                entries[uids[: level + 1]] = self._entry(level, uids, header, keys)
        items = list(entries.values())
        offset = int(asked.get("offset", "0")) if self.heeds_offset else 0
        limit = min(self.most, int(asked.get("limit", "1000000")) if self.heeds_limit else 10**9)
        items = items[max(0, offset - self.overlap) :][:limit] if offset < len(items) else []
        return Answered(200, json.dumps(items).encode(), "application/dicom+json") if items else Answered(204)

    def _entry(self, level: int, uids: tuple[str, str, str], header: Dataset, keys: Iterable[str]) -> dict[str, object]:
        entry: dict[str, object] = {
            f"{tag_for_keyword(name):08X}": {"vr": "UI", "Value": [uid]}
            for name, uid in list(zip(_UIDS, uids, strict=True))[: level + 1]
        }
        for name in keys:
            tag = tag_for_keyword(name)
            if tag is not None and name in header:
                entry[f"{tag:08X}"] = {"vr": header[tag].VR, "Value": [str(header[tag].value)]}
        if self.tells_counts and _COUNTS[level]:
            below = {other[: level + 2] for other in self.files if other[: level + 1] == uids[: level + 1]}
            more = self.more_told if level == 1 else 0
            entry[_COUNTS[level]] = {"vr": "IS", "Value": [len(below) + more]}
        return entry


def _is_match(header: Dataset, name: str, value: str) -> bool:
    text = str(header.get(name, ""))
    first, dash, last = value.partition("-")
    if dash and name.endswith("Date"):
        return bool(text) and (not first or text >= first) and (not last or text <= last)
    return fnmatchcase(text, value)


def _multipart(body: bytes) -> Answered:
    head = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    whole = head + body + f"\r\n--{BOUNDARY}--\r\n".encode()
    return Answered(200, whole, f'multipart/related; type="application/dicom"; boundary={BOUNDARY}')


class _Handler(BaseHTTPRequestHandler):
    service: DicomWebServer
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        with self.service._lock:
            self.service.connections += 1
        super().setup()

    def do_GET(self) -> None:
        with self.service._lock:
            self.service.at_once += 1
            self.service.most_at_once = max(self.service.most_at_once, self.service.at_once)
        try:
            time.sleep(self.service.pause)
            self._send(self.service.answer(self.path, dict(self.headers)))
        except OSError:
            self.close_connection = True
        finally:
            with self.service._lock:
                self.service.at_once -= 1

    def _send(self, one: Answered) -> None:
        if one.status == 0:
            self.close_connection = True
            return
        self.send_response(one.status)
        if one.kind:
            self.send_header("Content-Type", one.kind)
        for name, value in one.headers.items():
            self.send_header(name, value)
        if one.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif "no-length" not in one.headers:
            self.send_header("Content-Length", str(len(one.body)))
        self.end_headers()
        body = one.body if one.cut is None else one.body[: one.cut]
        if one.chunked:
            for at in range(0, len(body), 5000):
                piece = body[at : at + 5000]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            if one.cut is None:
                self.wfile.write(b"0\r\n\r\n")
        else:
            self.wfile.write(body)
        if one.stall:
            self.wfile.flush()
            self.service.stopped.wait(one.stall)
        self.close_connection = self.close_connection or one.cut is not None or "no-length" in one.headers

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is said."""
