"""From lines and documents of JSON to the resources in them: each entry of a Bundle is a record of its own."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from schemas.errors import RecordError
from schemas.status import Status
from workers.ehr.fhir.line import Line
from workers.ehr.meds.said import BLANK

DELETED = "it was deleted"
_BOM = b"\xef\xbb\xbf"
_BLANKS = re.compile(r"\s*")
_MOST_DEEP = 8
"""Bundles in bundles."""


@dataclass(frozen=True)
class Record:
    """One resource, or why there is none. `number` is its place among those of its line.

    `urns` are the `Type/id` of what is called by a `fullUrl` in the same Bundle. `deleted` is the `Type/id` that an
    entry says is gone, `updated` when that was. `path` are the numbers of the entries that it lies in, from outside in.
    """

    position: int
    number: int
    resource: Mapping[str, Any] | None = None
    kind: str | None = None
    trouble: Status | None = None
    reason: str | None = None
    urns: Mapping[str, str] = field(default_factory=dict)
    deleted: str | None = None
    updated: object = None
    path: tuple[int, ...] = ()


def records_of(line: Line) -> Iterator[Record]:
    """Every resource of a line, or of a whole document; what cannot be had is a record with `trouble`, or a reason."""
    if line.trouble is not None:
        yield Record(line.position, 0, None, None, line.trouble, line.reason)
        return
    data = line.data.removeprefix(_BOM) if line.position == 0 else line.data
    if not data or data.isspace():
        yield Record(line.position, 0, reason=BLANK)
        return
    number = 0
    for node in _values(data, line.is_document):
        for record in records_in(node, line.position):
            yield _numbered(record, number) if number else record
            number += 1


def _numbered(record: Record, number: int) -> Record:
    return Record(**{**record.__dict__, "number": number})


def _values(data: bytes, is_document: bool) -> Iterator[Any]:
    """The one value of a line, all values of a document, or the error that stands for it or for the rest of it."""
    try:
        text = data.decode()
        if not is_document:
            yield _whole_text(_DECODER.decode(text), data)
            return
        at = _BLANKS.match(text).end()  # type: ignore[union-attr]  # none or more always match
        while at < len(text):
            node, at = _DECODER.raw_decode(text, at)
            yield _whole_text(node, data)
            at = _BLANKS.match(text, at).end()  # type: ignore[union-attr]  # none or more always match
    except (ValueError, RecursionError):
        yield RecordError(Status.UNREADABLE, "not JSON")


def _whole_text(node: Any, data: bytes) -> Any:
    """Raises ValueError for half of a surrogate pair, which is JSON by its grammar, and no text."""
    if b"\\u" in data:
        json.dumps(node, ensure_ascii=False).encode()
    return node


def records_in(node: Any, position: int) -> Iterator[Record]:
    """Every resource in one value of JSON, in their order, all with number 0; or the error that stands for it."""
    if isinstance(node, RecordError):
        yield Record(position, 0, None, None, node.status, node.detail)
    elif type(node) is not dict:
        yield Record(position, 0, None, None, Status.UNREADABLE, "not a JSON object")
    elif node.get("resourceType") == "Bundle":
        yield from _entries(node, position, {}, ())
    elif "resourceType" not in node and type(node.get("output")) is list and "transactionTime" in node:
        yield Record(position, 0, None, None, None, "the manifest of a bulk export")
    else:
        yield _of_resource(node, position, {})


def _entries(
    bundle: Mapping[str, Any], position: int, outer: Mapping[str, str], path: tuple[int, ...]
) -> Iterator[Record]:
    found = bundle.get("entry")
    entries = found if type(found) is list else []
    if not entries:
        yield Record(position, 0, None, "Bundle", None, "a Bundle without entries", path=path)
    urns = {**outer, **_urns(entries)}
    for number, entry in enumerate(entries):
        own = (*path, number)
        resource = entry.get("resource") if type(entry) is dict else None
        if type(entry) is not dict:
            why = "an entry that is no JSON object"
            yield Record(position, 0, None, "Bundle", Status.UNREADABLE, why, path=own)
        elif type(resource) is not dict:
            yield _without(entry, position, own)
        elif resource.get("resourceType") == "Bundle":
            if len(own) <= _MOST_DEEP:
                yield from _entries(resource, position, urns, own)
            else:
                why = "Bundles in Bundles without end"
                yield Record(position, 0, None, "Bundle", Status.UNREADABLE, why, path=own)
        else:
            yield _of_resource(_with_id(resource, entry), position, urns, own)


def _without(entry: Mapping[str, Any], position: int, path: tuple[int, ...]) -> Record:
    """An entry without a resource: a deletion, or a request or answer of which nothing is left."""
    request, response = (_dict(entry.get(name)) for name in ("request", "response"))
    url = request.get("url")
    if request.get("method") != "DELETE" or type(url) is not str:
        return Record(position, 0, None, "Bundle", None, "an entry without a resource", path=path)
    key = key_of(url)
    kind = key.partition("/")[0] if key else "Bundle"
    updated = response.get("lastModified")
    return Record(position, 0, None, kind, None, DELETED, deleted=key, updated=updated, path=path)


def _urns(entries: list[Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in entries:
        url, resource = (entry.get("fullUrl"), entry.get("resource")) if type(entry) is dict else (None, None)
        if type(url) is str and type(resource) is dict:
            own = _with_id(resource, entry)
            if type(own.get("id")) is str:
                found[url] = f"{own.get('resourceType')}/{own['id']}"
    return found


def _with_id(resource: Mapping[str, Any], entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """A resource without an id has that of its `fullUrl`: a transaction names what is still to get one by it."""
    url = entry.get("fullUrl")
    if "id" in resource or type(url) is not str:
        return resource
    return {**resource, "id": url.rsplit("/", 1)[-1].removeprefix("urn:uuid:").removeprefix("urn:oid:")}


def _of_resource(
    resource: Mapping[str, Any], position: int, urns: Mapping[str, str], path: tuple[int, ...] = ()
) -> Record:
    kind = resource.get("resourceType")
    if type(kind) is not str or not (kind.isascii() and kind.isalnum() and len(kind) <= 64):
        return Record(position, 0, None, None, Status.UNREADABLE, "no resourceType", path=path)
    return Record(position, 0, resource, kind, urns=urns, path=path)


def identity_of(record: Record) -> str | None:
    """`Type/id` of a record that has an id, or of what it deletes."""
    if record.resource is None:
        return record.deleted
    own = record.resource.get("id")
    return f"{record.kind}/{own}" if type(own) is str and own else None


def key_of(reference: str) -> str | None:
    """`Type/id` at the end of a reference, without the version; None where there is none."""
    parts = reference.partition("/_history")[0].rstrip("/").split("/")
    return "/".join(parts[-2:]) if len(parts) > 1 and parts[-2].isalnum() and "?" not in parts[-1] else None


def resolved(node: Any, urns: Mapping[str, str]) -> Any:
    """The resource with every reference by a `fullUrl` as `Type/id`; the same object where there is nothing to do."""
    if not urns:
        return node
    if type(node) is list:
        return [resolved(item, urns) for item in node]
    if type(node) is not dict:
        return node
    found = {name: resolved(value, urns) for name, value in node.items()}
    reference = found.get("reference")
    if type(reference) is str and reference in urns:
        found["reference"] = urns[reference]
    return found


def _dict(value: Any) -> Mapping[str, Any]:
    return value if type(value) is dict else {}


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)
