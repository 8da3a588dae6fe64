"""One answer to a search by QIDO-RS, in the DICOM JSON Model (PS3.18, F)."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cluster.storage.dicomweb.faults import Unproved
from cluster.storage.dicomweb.instances import is_uid
from cluster.storage.dicomweb.service import Question, Service
from schemas.errors import StoreError

_JSON = "application/dicom+json"
_KINDS = (_JSON, "application/json")
_MOST_BYTES = 256 << 20
_MORE = re.compile(r"(\S+) additional results", re.IGNORECASE)
REMEDY = "look at the service and for a proxy or gateway before it"


@dataclass(frozen=True)
class Level:
    """What is searched at one level: its name, the tag of its UID, and the one that tells how many it has below it."""

    name: str
    uid: str
    below: str | None


STUDIES = Level("studies", "0020000D", "00201206")
SERIES = Level("series", "0020000E", "00201209")
INSTANCES = Level("instances", "00080018", None)


@dataclass(frozen=True)
class Page:
    """Its entries. `goes_on`: the service says that there are more than it gives, by a warning (PS3.18, 8.3.4.4) or by
    the status 206, as services did before that."""

    items: list[Mapping[str, Any]]
    goes_on: bool = False


def page(service: Service, path: str, keys: Sequence[tuple[str, str]]) -> Page:
    """Ask once. Raises what `Service.asked` does, and Unproved."""
    with service.asked(Question(path, _JSON, keys, searched=True)) as answer:
        if answer.status == 204:
            return Page([])
        if answer.kind not in _KINDS:
            raise Unproved(f"{service.where}: its answer to a search is no JSON: {REMEDY}")
        goes_on = answer.status == 206 or _tells_of_more(answer.warning)
        body = bytearray()
        while piece := answer.read():
            body += piece
            if len(body) > _MOST_BYTES:
                raise StoreError(f"{service.where}: one page of a list has more than 256 MiB: lower storage.page")
    try:
        items = json.loads(bytes(body))
    except (ValueError, RecursionError):
        items = None
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise Unproved(f"{service.where}: its answer to a search is no list of the DICOM JSON Model: {REMEDY}")
    return Page(items, goes_on)


def _tells_of_more(warning: str) -> bool:
    """Other warnings, as that names are not matched fuzzily, are about what was never asked for."""
    match = _MORE.search(warning)
    return match is not None and match[1] not in ("0", "no")


def uid_of(service: Service, item: Mapping[str, Any], level: Level) -> str:
    """Its own UID. Raises StoreError where it has none that can stand in a path."""
    value = first_value(item, level.uid)
    if not is_uid(value):
        raise StoreError(f"{service.where}: it lists {level.name} without a valid UID as text: see its log")
    return str(value)


def count_of(item: Mapping[str, Any], tag: str | None) -> int | None:
    """A number that it has, where it has one."""
    value = first_value(item, tag) if tag else None
    return int(value) if isinstance(value, int | str) and str(value).isascii() and str(value).isdigit() else None


def first_value(item: Mapping[str, Any], tag: str) -> Any:
    """The first value of an attribute, without padding; None where there is none."""
    element = item.get(tag)
    values = element.get("Value") if isinstance(element, Mapping) else None
    value = values[0] if isinstance(values, list) and values else None
    # In files UIDs are padded to an even length (PS3.5, 6.2), and some lists are made of files.
    return value.rstrip("\0 ") if isinstance(value, str) else value
