"""Answers that are no answers: what stands between a client and its store says them, and the store itself at times.

`MADE` are answers of the proxy's own, `ASKED` change the question on its way (and sign it anew), `CHANGED` the answer.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_PAGE = b"<html><head><title>Sign in</title></head><body><p>Your session has ended.</p><br></body></html>"
_XHTML = b"<?xml version='1.0'?><html><head><title>Sign in</title></head><body><p>Your session</p></body></html>"


def answer(status: str, body: bytes = b"", kind: str = "text/html", more: str = "") -> bytes:
    """An HTTP answer."""
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}Connection: close\r\n\r\n"
    )
    return head.encode() + body


def error(status: int, code: str) -> bytes:
    """An error as S3 has it."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>as told</Message></Error>".encode()
    return answer(f"{status} {code}", body, "application/xml")


MADE: Mapping[str, bytes] = {
    "slow_down": error(503, "SlowDown"),
    "internal_error": error(500, "InternalError"),
    "conflict": error(409, "ConditionalRequestConflict"),
    "forbidden": error(403, "AccessDenied"),
    "expired": error(403, "ExpiredToken"),
    "unknown_user": error(403, "InvalidAccessKeyId"),
    "missing": error(404, "NoSuchKey"),
    "no_bucket": error(404, "NoSuchBucket"),
    "precondition": error(412, "PreconditionFailed"),
    "request_timeout": error(400, "RequestTimeout"),
    "bad_digest": error(400, "BadDigest"),
    "teapot": error(418, "Unheard"),
    "html": answer("200 OK", _PAGE),
    "xhtml": answer("200 OK", _XHTML, "application/xhtml+xml"),
    "html_404": answer("404 Not Found", _PAGE),
    "html_502": answer("502 Bad Gateway", _PAGE),
    "html_403": answer("403 Forbidden", _PAGE),
    "redirect": answer("302 Found", b"", more="Location: http://127.0.0.1:1/sign-in\r\n"),
    "empty": answer("200 OK"),
    "json": answer("200 OK", b'{"error": "try again"}', "application/json"),
    "garbage": b"\x00\x01\x02 this is not HTTP\r\n\r\n",
    "nothing": b"",
}


def without(names: tuple[str, ...], swap: tuple[bytes, bytes] = (b"", b"")) -> Callable[[bytes, str], bytes]:
    """A question without these headers, to another path where one is given, signed anew."""

    def changed(head: bytes, region: str) -> bytes:
        first, *lines = head.rstrip(b"\r\n").split(b"\r\n")
        method, target, version = first.replace(*swap).split(b" ") if swap[0] else first.split(b" ")
        fields = dict(line.split(b": ", 1) for line in lines if b": " in line)
        kept = {name.decode(): value.decode() for name, value in fields.items() if name.decode().lower() not in names}
        signed = {name: value for name, value in kept.items() if name.lower() not in ("authorization", "x-amz-date")}
        host = next(value for name, value in kept.items() if name.lower() == "host")
        request = AWSRequest(method.decode(), f"http://{host}{target.decode()}", headers=signed)
        keys = Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
        S3SigV4Auth(keys, "s3", region).add_auth(request)
        text = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        path = urlsplit(request.url)
        query = f"?{path.query}" if path.query else ""
        return f"{method.decode()} {path.path}{query} {version.decode()}\r\n{text}\r\n".encode()

    return changed


ASKED: Mapping[str, tuple[str, ...]] = {
    "ignores_if_match": ("if-match",),
    "ignores_range": ("range",),
    "ignores_if_none_match": ("if-none-match",),
}


def _header(name: bytes, value: bytes | None) -> Callable[[bytes, bytes], tuple[bytes, bytes]]:
    def changed(head: bytes, body: bytes) -> tuple[bytes, bytes]:
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(name.lower() + b":")]
        if value is not None:
            lines.append(name + b": " + value)
        return b"\r\n".join(lines), body

    return changed


def _body(change: Callable[[bytes], bytes]) -> Callable[[bytes, bytes], tuple[bytes, bytes]]:
    def changed(head: bytes, body: bytes) -> tuple[bytes, bytes]:
        new = change(body)
        return _header(b"Content-Length", str(len(new)).encode())(head, new)

    return changed


def _flipped(body: bytes) -> bytes:
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 0x10]) + body[middle + 1 :] if body else body


def _no_metadata(head: bytes, body: bytes) -> tuple[bytes, bytes]:
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"x-amz-meta-")]
    return b"\r\n".join(lines), body


def _fewer_keys(body: bytes) -> bytes:
    start, end = body.rfind(b"<Contents>"), body.rfind(b"</Contents>") + len(b"</Contents>")
    return body[:start] + body[end:] if start >= 0 else body


def _keys_lost(body: bytes) -> bytes:
    count = body.count(b"<Contents>")
    return re.sub(rb"<KeyCount>\d+", f"<KeyCount>{max(0, count - 1)}".encode(), _fewer_keys(body))


def _no_keys(body: bytes) -> bytes:
    return re.sub(rb"<KeyCount>\d+", b"<KeyCount>0", re.sub(rb"<Contents>.*</Contents>", b"", body, flags=re.S))


CHANGED: Mapping[str, Callable[[bytes, bytes], tuple[bytes, bytes]]] = {
    "no_etag": _header(b"ETag", None),
    "other_etag": _header(b"ETag", b'"00000000000000000000000000000000"'),
    "no_length": _header(b"Content-Length", None),
    "no_time": _header(b"Last-Modified", None),
    "wrong_time": _header(b"Last-Modified", b"yesterday"),
    "no_metadata": _no_metadata,
    "no_content_range": _header(b"Content-Range", None),
    "other_content_range": _header(b"Content-Range", b"bytes 7-9/999999"),
    "flipped": _body(_flipped),
    "half": _body(lambda body: body[: len(body) // 2]),
    "longer": _body(lambda body: body + b"\0" * 100),
    "fewer_keys": _body(_fewer_keys),
    "keys_lost": _body(_keys_lost),
    "no_keys": _body(_no_keys),
    "other_keys": _body(lambda body: re.sub(rb"<Contents><Key>[^<]*", b"<Contents><Key>somewhere/else", body)),
    "no_sizes": _body(lambda body: re.sub(rb"<Size>\d+</Size>", b"", body)),
    "more_and_no_token": _body(
        lambda body: re.sub(rb"<IsTruncated>\w+", b"<IsTruncated>true", re.sub(rb"<Next\w+>[^<]*</Next\w+>", b"", body))
    ),
    "same_token": _body(
        lambda body: re.sub(
            rb"<IsTruncated>\w+</IsTruncated>",
            b"<IsTruncated>true</IsTruncated><NextContinuationToken>again</NextContinuationToken>",
            re.sub(rb"<NextContinuationToken>[^<]*</NextContinuationToken>", b"", body),
        )
    ),
    "cut_xml": _body(lambda body: body[: len(body) * 2 // 3]),
}
