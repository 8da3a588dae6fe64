"""Ask one DICOMweb service, and read its answers: bounded in time and number, with TLS verified, following nobody."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import Message
from functools import cache
from urllib.parse import quote, urlencode, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, ProxyError, SSLError

from cluster.storage.dicomweb.credentials import authorization
from cluster.storage.dicomweb.gate import Gate
from cluster.storage.dicomweb.proxies import pool_to
from cluster.storage.dicomweb.statuses import PROXY_REFUSES, refuse
from cluster.storage.dicomweb.witnesses import Witnesses
from cluster.storage.errors import AccessRefusedError, TransientError
from cluster.storage.retry import Backoff
from cluster.storage.settings import StorageSettings
from cluster.storage.stalls import Watch
from schemas.errors import InfrastructureError

PIECE = 1 << 16
_LITTLE = 1 << 20
"""Bytes of an answer that are read, and not used, to keep its connection. A slice of CT has half as many, and once its
header has come most of them are under way: headers of Orthanc came a third faster than by closing connections."""
_CONNECTION = "check input.uri, the network and that the service is up"
# It tells of odd headers together with the address, in which a search names patients.
logging.getLogger("urllib3").setLevel(logging.ERROR)


_MODEST = 100


@dataclass(frozen=True)
class Manner:
    """How a service is searched: entries of a page, and whether attributes are asked for beside the usual ones."""

    page: int
    fields: bool = True

    def plainer(self) -> Iterator[Manner]:
        """Where it refuses a search (400), it may be for that: Azure's refuses pages of more than 200."""
        for one in (Manner(min(self.page, _MODEST), self.fields), Manner(min(self.page, _MODEST), False)):
            if one != self:
                yield one


@dataclass(frozen=True)
class Question:
    """`path` below the service's address; `keys` of a search, in order. `fresh`: what a cache on the way has is no
    answer (RFC 9111, 5.2.1.4), as of every search."""

    path: str
    accept: str
    keys: Sequence[tuple[str, str]] = ()
    searched: bool = False
    fresh: bool = False

    @property
    def target(self) -> str:
        """Behind the address of the service."""
        query = urlencode(self.keys, quote_via=quote)
        return f"/{self.path}?{query}" if query else f"/{self.path}"


class Answer:
    """The head of an answer, and its body as it comes, content encodings undone. In a slot of the gate until closed."""

    def __init__(self, where: str, response: urllib3.BaseHTTPResponse, gate: Gate, watch: Watch) -> None:
        self.status = response.status
        self._where = where
        self._response = response
        self._gate = gate
        self._watch = watch
        self._closed = self._broken = False
        self._type = Message()
        self._type["content-type"] = response.headers.get("Content-Type", "")

    @property
    def kind(self) -> str:
        """The media type, in lower case."""
        return self._type.get_content_type() if self._type["content-type"] else ""

    @property
    def headers(self) -> Mapping[str, str]:
        """By name, whatever its case."""
        return self._response.headers

    @property
    def warning(self) -> str:
        """What it warns of (RFC 7234, 5.5); may be about whom was searched for, and is never shown."""
        return str(self._response.headers.get("Warning", ""))

    def parameter(self, name: str) -> str:
        """A parameter of the media type; empty where it is not there."""
        found = self._type.get_param(name, "")
        return found if isinstance(found, str) else ""

    @property
    def ends_by_itself(self) -> bool:
        """Whether a body that is cut off would be told: by its length, or by chunks."""
        headers: Mapping[str, str] = self._response.headers
        return "Content-Length" in headers or "chunked" in headers.get("Transfer-Encoding", "").lower()

    def read(self, size: int = PIECE) -> bytes:
        """The next bytes of the body, `size` at most; empty at its end. Raises TransientError."""
        try:
            with self._watch.over(self._response, size), _told(self._where):
                return self._response.read(size, decode_content=True)
        except BaseException:
            self._broken = True
            raise

    def close(self) -> None:
        """Read no more. A connection with something left in it is not used again."""
        if self._closed:
            return
        self._closed = True
        try:
            self._drain()
            if self._response.closed:
                self._response.release_conn()
            else:
                self._response.close()
        finally:
            self._gate.leave()

    def _drain(self) -> None:
        """Read what is left where it is little: a connection is only used again once it is empty, and another one costs
        more. An answer of no bytes has to be read, too."""
        left = getattr(self._response, "length_remaining", None)
        if self._broken or (left is None and self.status == 200) or (left or 0) > _LITTLE:
            return
        with suppress(InfrastructureError):
            while self.read(PIECE) and self.status == 200:
                pass


class Service:
    """The service at `base`, an http or https address without a slash at its end. Safe for several threads."""

    def __init__(self, base: str, settings: StorageSettings) -> None:
        self.base = base
        self.where = f"DICOMweb service {base}"
        self.manner = Manner(settings.page)
        self.backoff = Backoff(settings.attempts, settings.backoff, settings.longest_backoff)
        self.gate = Gate(settings.requests, self.backoff)
        self.witnesses = Witnesses()
        self.accept = 0
        """Which of `reading.ACCEPTS` it knew last."""
        self._watch = Watch(settings.read_timeout)
        self._timeout = urllib3.Timeout(connect=settings.connect_timeout, read=settings.read_timeout)
        address = urlsplit(base)
        self._host = address.hostname or ""
        self._encrypted = address.scheme == "https"
        self._pool = pool_to(base, settings.requests)

    @contextmanager
    def asked(self, question: Question) -> Iterator[Answer]:
        """One try. Raises what `statuses.refuse` does, and TransientError where nothing is answered."""
        answer = self.open(question)
        try:
            yield answer
        finally:
            answer.close()

    def open(self, question: Question) -> Answer:
        """The same for an answer that is read later; it has to be closed."""
        who = self._who()
        answer = self._sent(question, who)
        # A token may be renewed while a question is under way that was asked with the one before.
        if answer.status == 401 and (renewed := self._who()) != who:
            answer.close()
            answer = self._sent(question, renewed)
        try:
            refuse(self.where, answer.status, answer.headers, searched=question.searched)
        except BaseException:
            answer.close()
            raise
        return answer

    def _who(self) -> str | None:
        return authorization(self._host, encrypted=self._encrypted)

    def _sent(self, question: Question, who: str | None) -> Answer:
        headers = {"Accept": question.accept, "User-Agent": "wardround"}
        # A picture hardly becomes smaller; an answer in JSON becomes a tenth.
        headers["Accept-Encoding"] = "gzip" if question.searched else "identity"
        if question.searched or question.fresh:
            headers["Cache-Control"] = "no-cache"
        if who:
            headers["Authorization"] = who
        self.gate.enter()
        try:
            with _told(self.where):
                response = self._pool.request(
                    "GET",
                    self.base + question.target,
                    headers=headers,
                    timeout=self._timeout,
                    retries=False,
                    redirect=False,
                    preload_content=False,
                )
        except BaseException:
            self.gate.leave()
            raise
        return Answer(self.where, response, self.gate, self._watch)


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Errors of urllib3 in our terms: its messages hold addresses."""
    try:
        yield
    except SSLError as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error) or "doesn't match" in str(error):
            raise InfrastructureError(
                f"{where}: its certificate is not trusted: set SSL_CERT_FILE to that of its authority"
            ) from None
        raise TransientError(f"{where}: TLS failed: {_CONNECTION}") from None
    except ProxyError as error:
        if " 407 " in f" {error.original_error} ":
            raise AccessRefusedError(f"{where}: {PROXY_REFUSES}") from None
        raise TransientError(f"{where}: its proxy does not lead there: correct HTTPS_PROXY or NO_PROXY") from None
    except (HTTPError, OSError, ValueError) as error:
        raise TransientError(f"{where}: {type(error).__name__}: {_CONNECTION}") from None


@cache
def service_at(base: str, settings: StorageSettings) -> Service:
    """The one of this process, so that all who ask it share its gate."""
    return Service(base, settings)
