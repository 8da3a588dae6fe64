"""Uris of objects: `s3://bucket/key`, `file:///path`, plain local paths, and `dicomweb+https://host/path` of a service.

Keys and plain paths are taken as they stand: `%`, `+`, `#`, `?`, spaces and any letter are literal. Only `file://`
is percent-decoded (RFC 8089).
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, unquote

from cluster.storage.errors import ObjectMissing
from cluster.storage.local_errors import disk
from schemas.errors import UsageError

Scheme = Literal["s3", "file", "dicomweb+https", "dicomweb+http"]
_SERVICES: tuple[Scheme, ...] = ("dicomweb+https", "dicomweb+http")
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://")


@dataclass(frozen=True)
class Uri:
    """A parsed uri. `path` is the key (no slash before it) or an absolute local path; `bucket` is empty for files, and
    of a service its host, with its port if one is named."""

    scheme: Scheme
    bucket: str
    path: str

    def __str__(self) -> str:
        if self.scheme == "file":
            return self.path
        return f"{self.scheme}://{self.bucket}/{self.path}" if self.path else f"{self.scheme}://{self.bucket}"

    @property
    def is_service(self) -> bool:
        """Whether it leads to a DICOMweb service."""
        return self.scheme in ("dicomweb+https", "dicomweb+http")


def parse(text: str) -> Uri:
    """The parts of a uri; a relative path is made absolute. Raises UsageError for other schemes."""
    if "\0" in text or not text:
        raise UsageError("a uri is empty or has a NUL character in it")
    match = _SCHEME.match(text)
    if match is None:
        return Uri("file", "", _absolute(text))
    scheme, rest = match.group(1).lower(), text[match.end() :]
    if scheme == "s3":
        return _s3(rest)
    if scheme == "file":
        return _file(rest)
    for service in _SERVICES:
        if scheme == service:
            return _service(service, rest)
    raise UsageError(
        f"uri scheme {scheme}:// is unknown; known: s3://bucket/key, file:///path, plain paths, and "
        "dicomweb+https://host/path for a DICOMweb service"
    )


def _service(scheme: Scheme, rest: str) -> Uri:
    host, _, path = rest.partition("/")
    if "@" in host:
        raise UsageError(
            f"a {scheme}:// uri names a user: credentials never stand in a spec, but in ~/.netrc or in the environment"
        )
    if not _HOST.fullmatch(host):
        raise UsageError(f"a {scheme}:// uri names no host; it reads {scheme}://host/path or {scheme}://host:port/path")
    if {"?", "#"} & set(path) or not path.isascii() or any(character.isspace() for character in path):
        raise UsageError(f"a {scheme}:// uri is the address of a service alone: what is searched for is input.query")
    return Uri(scheme, host.lower(), path)


def _s3(rest: str) -> Uri:
    bucket, _, key = rest.partition("/")
    if not bucket:
        raise UsageError("an s3:// uri has no bucket; it reads s3://bucket/key")
    return Uri("s3", bucket, key)


def _file(rest: str) -> Uri:
    host, slash, path = rest.partition("/")
    if host not in ("", "localhost") or not slash:
        raise UsageError("a file:// uri must read file:///absolute/path; for another machine's files mount them first")
    decoded = unquote("/" + path, errors="surrogateescape")
    if "\0" in decoded:
        raise UsageError("a uri has a NUL character in it")
    return Uri("file", "", _absolute(decoded))


def _absolute(path: str) -> str:
    # `..` after a symbolic link cannot be resolved by its text alone.
    full = os.path.realpath(path) if ".." in path.split("/") else os.path.abspath(path)
    full = "/" + full.lstrip("/")
    return full + "/" if path.endswith("/") and full != "/" else full


def join(prefix: str, name: str) -> str:
    """The uri of `name` under `prefix`. `name` is literal: it is percent-encoded where `prefix` is file://."""
    if prefix.lower().startswith("file://"):
        name = quote(os.fsencode(name))
    return prefix + name if prefix.endswith("/") else f"{prefix}/{name}"


def split(uri: str) -> tuple[str, str]:
    """The canonical uri of the folder that an object lies in, and its name there. Raises UsageError without a name."""
    parsed = parse(uri)
    folder, slash, name = parsed.path.rpartition("/")
    if not name:
        raise UsageError("the uri names a folder where one object is needed")
    root = "/" if parsed.scheme == "file" and slash and not folder else folder
    return str(Uri(parsed.scheme, parsed.bucket, root)), name


def is_inside(uri: str, roots: Iterable[str]) -> bool:
    """Whether `uri` is one of `roots` or lies under one.

    Local paths are compared after symbolic links and `..` are resolved. An S3 key with a `.` or `..` segment is never
    inside: S3 takes it literally, servers that keep files do not. A uri that cannot be parsed is not inside. Raises
    InfrastructureError where the disk fails.
    """
    try:
        parsed = parse(uri)
    except UsageError:
        return False
    return any(_under(parsed, parse(root)) for root in roots)


def _under(uri: Uri, root: Uri) -> bool:
    if uri.scheme != root.scheme or uri.bucket != root.bucket:
        return False
    if uri.scheme == "file":
        return _path_under(_real(uri.path, root.path), _real(root.path, root.path))
    if not {".", ".."}.isdisjoint(uri.path.split("/")):
        return False
    return _path_under(uri.path, root.path.rstrip("/"))


def _real(path: str, root: str) -> str:
    """`path` with its links resolved, as far as it exists. Raises InfrastructureError, which names `root`."""
    try:
        # Where it is not strict, realpath takes a folder that cannot be read for one that is no link.
        with disk(root):
            return os.path.realpath(path, strict=True)
    except ObjectMissing:
        return os.path.realpath(path)


def _path_under(path: str, root: str) -> bool:
    return root in ("", path) or path.startswith(root.rstrip("/") + "/")
