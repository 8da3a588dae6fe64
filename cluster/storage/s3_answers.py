"""What an answer of S3 has to say before it is believed.

A proxy, a cache or a gateway on the way may answer instead of the store: with a page of its own, with another object,
with a part of a list. Whatever does not hold together is no answer, and the question is asked again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any, Generic, TypeVar

from cluster.storage.errors import TransientError
from cluster.storage.objects import ObjectHead, ObjectInfo

T = TypeVar("T")

_RANGE = re.compile(r"^bytes (\d+)-(\d+)/(\d+)$")
_MD5 = re.compile(r"^[0-9a-f]{32}$")
_EMPTY_PAGES = 1000
"""S3 may give a page without keys, as it passes over deleted versions; a list that goes on so has no end."""
REMEDY = "look for a proxy, cache or gateway between here and the store"


class Unproved(TransientError):
    """An answer that cannot be what was asked for."""


class RangeIgnored(Unproved):
    """The whole body, or another part of it, where a range was asked for."""


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list. `after` is what the next one is asked for with; empty where this is the last."""

    items: Sequence[T]
    after: Mapping[str, str]


class Paging(Generic[T]):
    """Follows a list from page to page. Raises Unproved for a page that is none, or that leads nowhere new."""

    def __init__(
        self,
        where: object,
        prefix: str,
        entries: str,
        tokens: Mapping[str, str],
        read: Callable[[Mapping[str, Any]], T],
    ) -> None:
        """`entries` is where a page has its entries, `read` what is made of one; `tokens`: name in the next question by
        name in the answer."""
        self._where = where
        self._read = read
        self._prefix = prefix
        self._entries = entries
        self._tokens = tokens
        self._asked: set[tuple[str, ...]] = set()
        self._firsts: set[tuple[str, str]] = set()
        self._empty = 0

    def page(self, answer: Mapping[str, Any]) -> Page[T]:
        """The page that an answer is. Not counted before it is proved, so it may be asked for again."""
        if not isinstance(answer.get("IsTruncated"), bool):
            raise self._unproved("an answer is no list")
        items: Sequence[Mapping[str, Any]] = answer.get(self._entries, ())
        self._check_items(items)
        count = answer.get("KeyCount")
        if count is not None and count != len(items) + len(answer.get("CommonPrefixes", ())):
            raise self._unproved("a page of a list says how many keys it has, and has others")
        after = self._after(answer) if answer["IsTruncated"] else {}
        found = [self._read(item) for item in items]
        self._go_on(items, after)
        return Page(found, after)

    def _check_items(self, items: Sequence[Mapping[str, Any]]) -> None:
        for item in items:
            key = item.get("Key")
            if not isinstance(key, str) or not key.startswith(self._prefix):
                raise self._unproved("a list holds keys of another place")

    def _after(self, answer: Mapping[str, Any]) -> Mapping[str, str]:
        found = {asked: str(answer.get(told) or "") for told, asked in self._tokens.items()}
        if not any(found.values()):
            raise self._unproved("a page of a list says that there are more, and not where")
        if tuple(found.values()) in self._asked:
            raise self._unproved("a list leads back to where it has been")
        return found

    def _go_on(self, items: Sequence[Mapping[str, Any]], after: Mapping[str, str]) -> None:
        self._empty = 0 if items else self._empty + 1
        if self._empty > _EMPTY_PAGES:
            raise self._unproved("a list goes on without a key")
        if items:
            first = (items[0]["Key"], str(items[0].get("UploadId", "")))
            if first in self._firsts:
                raise self._unproved("a list gives a page twice")
            self._firsts.add(first)
        if after:
            self._asked.add(tuple(after.values()))

    def _unproved(self, what: str) -> Unproved:
        return Unproved(f"{self._where}: {what}: {REMEDY}")


def info_of(where: object, key: str, item: Mapping[str, Any]) -> ObjectInfo:
    """An object as a list or a HEAD has it. Raises Unproved where size, etag or time are left out."""
    try:
        size = int(item["Size"])
        return ObjectInfo(key, size, _etag(item["ETag"]), item["LastModified"].astimezone(UTC))
    except (KeyError, ValueError, TypeError, AttributeError):
        raise Unproved(f"{where}: an answer leaves out size, etag or time of an object: {REMEDY}") from None


def head_of(where: object, key: str, answer: Mapping[str, Any]) -> ObjectHead:
    """The object that a HEAD tells of. Raises Unproved."""
    info = info_of(where, key, {**answer, "Size": answer.get("ContentLength")})
    return ObjectHead(info.key, info.size, info.etag, info.modified, dict(answer.get("Metadata", {})))


@dataclass(frozen=True)
class Body:
    """What the head of a GET's answer says: the bytes that follow, and the version that they are of."""

    length: int
    etag: str


def body_of(where: object, answer: Mapping[str, Any], first: int, last: int | None) -> Body:
    """What follows, where it is bytes `first` to `last` (None: to the end). Raises Unproved where it is not."""
    try:
        length, etag = int(answer["ContentLength"]), _etag(answer["ETag"])
    except (KeyError, ValueError, TypeError):
        raise Unproved(f"{where}: an answer leaves out length or etag of a body: {REMEDY}") from None
    if first or last is not None:
        _check_range(where, str(answer.get("ContentRange", "")), first, last, length)
    elif answer.get("ContentRange"):
        raise Unproved(f"{where}: a part of a body where all of it was asked for: {REMEDY}")
    return Body(length, etag)


def _check_range(where: object, told: str, first: int, last: int | None, length: int) -> None:
    match = _RANGE.match(told)
    # A server that ignores ranges answers with the whole body, which would pass for a part of it.
    if match is None:
        raise RangeIgnored(f"{where}: an answer is not of the range that was asked for: {REMEDY}")
    begin, end, size = (int(number) for number in match.groups())
    wanted = size - 1 if last is None else min(last, size - 1)
    if (begin, end) != (first, wanted) or length != end - begin + 1:
        raise RangeIgnored(f"{where}: an answer is of another range than was asked for: {REMEDY}")


def _etag(text: object) -> str:
    etag = str(text).strip('"')
    if text is None or not etag:
        raise ValueError
    return etag


class EtagProof:
    """Whether bodies are those that their etags stand for.

    The etag of an object that was written in one piece and not under a key of KMS is its MD5 ("Object", Amazon S3 API
    Reference). Which objects those are is not told. So a body with another MD5 is had once more: the same bytes twice
    are what lies there. Once no object of a store has an etag of that kind, it is not looked at any more.
    """

    _TRIED = 3

    def __init__(self) -> None:
        self._held = self._odd = 0

    def is_of_use(self, etag: str) -> bool:
        """Whether this etag may be the MD5 of its body."""
        return _MD5.match(etag) is not None and (self._held > 0 or self._odd < self._TRIED)

    def held(self) -> None:
        """A body had the MD5 that its etag is."""
        self._held += 1

    def odd(self) -> None:
        """A body came twice the same, and its etag is something else."""
        self._odd += 1


def is_md5_of(etag: str, body: bytes | Path) -> bool:
    """Whether a store that gives this etag has exactly this body."""
    if not _MD5.match(etag):
        return False
    if isinstance(body, bytes):
        return hashlib.md5(body, usedforsecurity=False).hexdigest() == etag
    with body.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest() == etag


def latest(infos: Iterator[ObjectInfo]) -> list[ObjectInfo]:
    """One a key: an object that is written while a list goes on may stand on two pages."""
    found: dict[str, ObjectInfo] = {}
    for info in infos:
        known = found.get(info.key)
        if known is None or info.modified >= known.modified:
            found[info.key] = info
    return list(found.values())
