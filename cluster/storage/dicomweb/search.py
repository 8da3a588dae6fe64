"""Find instances by QIDO-RS: studies, their series, the instances of each, page after page."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from cluster.storage.dicomweb.faults import Unproved
from cluster.storage.dicomweb.instances import Instance, is_uid
from cluster.storage.dicomweb.keys import Keys, Search
from cluster.storage.dicomweb.matching import mismatch
from cluster.storage.dicomweb.service import Question, Service
from cluster.storage.errors import ObjectMissing
from schemas.errors import InfrastructureError, SpecError, StoreError, UsageError

_JSON = "application/dicom+json"
_KINDS = (_JSON, "application/json")
_MOST_BYTES = 256 << 20
_AHEAD = 64
"""Studies that are looked into before their instances are asked for."""
_REMEDY = "look at the service and for a proxy or gateway before it"


@dataclass(frozen=True)
class Level:
    """What is searched at one level: its name, the tag of its UID, and the one that tells how many it has below it."""

    name: str
    uid: str
    below: str | None


STUDIES = Level("studies", "0020000D", "00201206")
SERIES = Level("series", "0020000E", "00201209")
INSTANCES = Level("instances", "00080018", None)
Found = dict[str, int | None]
"""How many each has below it as the service tells it, by UID."""


class _Fewer(Unproved):
    """A service lists fewer than it says that there are."""


def instances(service: Service, search: Search) -> Iterator[Instance]:
    """Every instance that is found, once, by the UIDs of study, series and instance.

    The order of answers is the service's own, and of no use for a plan. Raises InfrastructureError; UsageError for an
    address without a service or a search that it refuses; SpecError where it does not search by a key; StoreError where
    it does not page.
    """
    studies = iter(sorted(_studies(service, search)))
    with ThreadPoolExecutor(_AHEAD // 4, thread_name_prefix="search") as pool:
        while part := list(islice(studies, _AHEAD)):
            for found in pool.map(partial(_of_study, service, search), part):
                yield from found


def _studies(service: Service, search: Search) -> Iterable[tuple[str, int | None]]:
    try:
        return _any_of(service, "studies", search.studies, STUDIES, None).items()
    except ObjectMissing:
        raise UsageError(f"{service.where}: there is no DICOMweb service (404): correct input.uri") from None


def _of_study(service: Service, search: Search, study: tuple[str, int | None]) -> list[Instance]:
    try:
        return list(_looked_into(service, search, *study))
    except ObjectMissing:
        raise InfrastructureError(f"{service.where}: a study vanished while it was planned: run again") from None


def _looked_into(service: Service, search: Search, study: str, series_told: int | None) -> Iterator[Instance]:
    path = f"studies/{study}/series"
    for series, told in sorted(_any_of(service, path, search.series, SERIES, series_told).items()):
        within = f"{path}/{series}/instances"
        for uid in sorted(_any_of(service, within, search.instances, INSTANCES, told)):
            yield Instance(study, series, uid)


def _any_of(service: Service, path: str, sets: Sequence[Keys], level: Level, told: int | None) -> Found:
    found: Found = {}
    for keys in sets:
        # How many there are says nothing of how many a search finds.
        found |= _settled(service, path, keys, level, None if keys else told)
    return found


def _settled(service: Service, path: str, keys: Keys, level: Level, told: int | None) -> Found:
    """A list may be asked for while instances arrive: it is asked for again, apart in time."""
    for pause in service.backoff.doubts():
        try:
            return _listed(service, path, keys, level, told)
        except _Fewer:
            time.sleep(pause)
    return _listed(service, path, keys, level, told)


def _listed(service: Service, path: str, keys: Keys, level: Level, told: int | None) -> Found:
    found: Found = {}
    asked = 0
    fixed = [(key.keyword, key.value) for key in keys]
    fixed += [("includefield", tag) for tag in (*(key.tag for key in keys), level.below) if tag]
    first: list[str] = []
    while True:
        paged = [*fixed, ("limit", str(service.page)), ("offset", str(asked))]
        items = service.gate.again(partial(page, service, path, paged))
        _refuse_others(service, keys, items, level)
        uids = [uid_of(service, item, level) for item in items]
        if uids and found.keys() >= set(uids):
            _refuse_unpaged(service, path, fixed, uids, first)
            return found
        found |= {uid: _count(item, level.below) for uid, item in zip(uids, items, strict=True)}
        asked += len(items)
        first = first or uids
        # A service may give fewer than it is asked for, so that a short page alone is not the last one.
        if not items or (len(items) < service.page and len(found) == told):
            break
    if told is not None and len(found) < told:
        raise _Fewer(f"{service.where}: it says that there are more {level.name} than it lists: {_REMEDY}")
    return found


def page(service: Service, path: str, keys: Sequence[tuple[str, str]]) -> list[Mapping[str, Any]]:
    """One answer to a search, in the DICOM JSON Model (PS3.18, F). Raises what `Service.asked` does, and Unproved."""
    with service.asked(Question(path, _JSON, keys, searched=True)) as answer:
        if answer.status == 204:
            return []
        if answer.kind not in _KINDS:
            raise Unproved(f"{service.where}: its answer to a search is no JSON: {_REMEDY}")
        body = bytearray()
        while piece := answer.read():
            body += piece
            if len(body) > _MOST_BYTES:
                raise StoreError(f"{service.where}: one page of a list has more than 256 MiB: lower storage.page")
    try:
        items = json.loads(bytes(body))
    except ValueError:
        items = None
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise Unproved(f"{service.where}: its answer to a search is no list of the DICOM JSON Model: {_REMEDY}")
    return items


def uid_of(service: Service, item: Mapping[str, Any], level: Level) -> str:
    value = _first(item.get(level.uid))
    if not is_uid(value):
        raise StoreError(f"{service.where}: it lists {level.name} without a valid UID as text: see its log")
    return str(value)


def _count(item: Mapping[str, Any], tag: str | None) -> int | None:
    value = _first(item.get(tag)) if tag else None
    return int(value) if isinstance(value, int | str) and str(value).isascii() and str(value).isdigit() else None


def _first(element: Any) -> Any:
    values = element.get("Value") if isinstance(element, Mapping) else None
    return values[0] if isinstance(values, list) and values else None


def _refuse_others(service: Service, keys: Keys, items: Iterable[Mapping[str, Any]], level: Level) -> None:
    for item in items:
        if key := mismatch(keys, item):
            raise SpecError(
                f"{service.where}: it does not search by {key.keyword}: it gives {level.name} that do not match it, or "
                "does not tell. Leave it out of input.query (input.select chooses volumes by any attribute)"
            )


def _refuse_unpaged(
    service: Service, path: str, fixed: Sequence[tuple[str, str]], uids: Sequence[str], first: Sequence[str]
) -> None:
    """A page of what is known already. From a service that ignores `limit`, and gives all at once, that is the end."""
    few = service.gate.again(partial(page, service, path, [*fixed, ("limit", "1"), ("offset", "0")]))
    if list(uids) == list(first) and len(few) == len(uids):
        return
    raise StoreError(
        f"{service.where}: it gives a page of a list twice, so that its end cannot be reached: it does not know "
        "offset. Narrow input.query until each list is shorter than storage.page, or have the service mended"
    )
