"""A whole list by QIDO-RS, page after page, from services that page as they like; what cannot be proved is refused."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from cluster.storage.dicomweb.faults import Unproved
from cluster.storage.dicomweb.keys import Keys
from cluster.storage.dicomweb.matching import mismatch
from cluster.storage.dicomweb.pages import REMEDY, Level, Page, count_of, first_value, page, uid_of
from cluster.storage.dicomweb.service import Manner, Service
from cluster.storage.errors import ObjectMissing
from schemas.errors import SpecError, StoreError, UsageError

Found = dict[str, int | None]
"""How many each has below it as the service tells it, by UID."""


class _Fewer(Unproved):
    """A service lists fewer than it says that there are."""


class _Twice(StoreError):
    """It gives a page twice."""


@dataclass(frozen=True)
class Wanted:
    """A list: what lies below `path` and matches `keys`. `told`: how many there are, where the level above said so.
    `within`: the UID that each entry has to have by the tag of a level above, if it has one."""

    path: str
    keys: Keys
    level: Level
    told: int | None = None
    within: Mapping[str, str] = field(default_factory=dict)

    @property
    def full(self) -> int | None:
        """With so many entries a list is complete: as many as there are, or the one that a UID names."""
        if self.told is not None and not self.keys:
            return self.told
        return 1 if any(key.tag == self.level.uid and not {"*", "?"} & set(key.value) for key in self.keys) else None


def listed(service: Service, wanted: Wanted) -> Found:
    """All entries. What is doubtful is listed again, apart in time: instances may arrive while a list is read, and a
    service that lists in no order gives entries twice and leaves others out.

    Raises ObjectMissing where nothing lies at the path, and what `search.instances` does.
    """
    found: Found = {}
    for pause in (*service.backoff.doubts(), None):
        known = len(found)
        reading = _Reading(service, wanted)
        try:
            reading.to_the_end()
        except (_Fewer, _Twice):
            if pause is None:
                raise
        else:
            found |= reading.found
            if not reading.overlaps or 0 < known == len(found) or len(found) == wanted.full:
                return found
        if pause is not None:
            time.sleep(pause)
    raise StoreError(
        f"{service.where}: the pages of a list overlap, and each time it lists others: it lists in no order. Narrow "
        "input.query until each list fits into one page (storage.page), or have the service mended"
    )


class _Reading:
    """One pass over a list."""

    def __init__(self, service: Service, wanted: Wanted) -> None:
        self.found: Found = {}
        self.overlaps = False
        self._service = service
        self._wanted = wanted
        self._asked = 0
        self._first: list[str] = []
        self._goes_on = False

    def to_the_end(self) -> None:
        """Ask until a page is empty, or there are as many as there have to be. Raises _Fewer, _Twice."""
        while True:
            part = self._next()
            uids = self._proved(part)
            if uids and self.found.keys() >= set(uids):
                return self._refuse_unpaged(uids)
            if not uids:
                break
            self._take(part, uids)
            # A service may give fewer than it is asked for, so that a short page alone is not the last one.
            if len(uids) < self._service.manner.page and len(self.found) == self._wanted.full:
                return
        self._refuse_fewer()

    def _next(self) -> Page:
        """The next page. Empty only where it is so twice: an empty one ends a list, and ends it in silence."""
        part = self._page()
        return part if part.items or len(self.found) == self._wanted.full else self._page()

    def _page(self) -> Page:
        try:
            return self._at(self._asked)
        except ObjectMissing:
            # Some answer so to a search that finds nothing, or nothing more; so does a gateway whose service is gone.
            if not self._answers_otherwise():
                raise
            return Page([])

    def _answers_otherwise(self) -> bool:
        if self._asked:
            return bool(self._at(0).items)
        everything = replace(self._wanted, keys=())
        return everything != self._wanted and bool(_Reading(self._service, everything)._at(0).items)

    def _at(self, offset: int) -> Page:
        service = self._service
        try:
            return self._ask(service.manner, offset)
        except UsageError as refused:
            for manner in service.manner.plainer():
                try:
                    found = self._ask(manner, offset)
                except UsageError:
                    continue
                service.manner = manner
                return found
            raise refused from None

    def _ask(self, manner: Manner, offset: int) -> Page:
        keys = [*self._keys(manner), ("limit", str(manner.page)), ("offset", str(offset))]
        return self._service.gate.again(partial(page, self._service, self._wanted.path, keys))

    def _keys(self, manner: Manner) -> list[tuple[str, str]]:
        keys, level = self._wanted.keys, self._wanted.level
        asked = [(key.keyword, key.value) for key in keys]
        fields = (*(key.tag for key in keys), level.below) if manner.fields else ()
        return [*asked, *(("includefield", tag) for tag in fields if tag)]

    def _proved(self, part: Page) -> list[str]:
        for item in part.items:
            _refuse_others(self._service, self._wanted, item)
        return [uid_of(self._service, item, self._wanted.level) for item in part.items]

    def _take(self, part: Page, uids: Sequence[str]) -> None:
        self.overlaps |= len({*uids, *self.found}) < len(uids) + len(self.found)
        self.found |= _counts(uids, part, self._wanted.level)
        self._asked += len(uids)
        self._first = self._first or list(uids)
        self._goes_on = part.goes_on

    def _refuse_fewer(self) -> None:
        wanted = self._wanted
        if len(self.found) == wanted.full:
            return
        if self._goes_on or (wanted.told is not None and not wanted.keys and len(self.found) < wanted.told):
            raise _Fewer(
                f"{self._service.where}: it says that there are more {wanted.level.name} than it lists: narrow "
                f"input.query, raise what it gives at most, or {REMEDY}"
            )

    def _refuse_unpaged(self, uids: Sequence[str]) -> None:
        """A page of what is known already. From a service that ignores `limit`, and gives all at once, that is the
        end."""
        few = self._ask(replace(self._service.manner, page=1), 0).items
        if list(uids) == self._first and len(few) == len(uids):
            return
        raise _Twice(
            f"{self._service.where}: it gives a page of a list twice, so that its end cannot be reached: it does not "
            "know offset. Name studies in input.query (StudyInstanceUID), or have the service mended"
        )


def _counts(uids: Sequence[str], part: Page, level: Level) -> Found:
    return {uid: count_of(item, level.below) for uid, item in zip(uids, part.items, strict=True)}


def _refuse_others(service: Service, wanted: Wanted, item: Mapping[str, Any]) -> None:
    if key := mismatch(wanted.keys, item):
        raise SpecError(
            f"{service.where}: it does not search by {key.keyword}: it gives {wanted.level.name} that do not match it, "
            "or does not tell. Leave it out of input.query (input.select chooses volumes by any attribute)"
        )
    for tag, uid in wanted.within.items():
        if first_value(item, tag) not in (None, uid):
            raise Unproved(f"{service.where}: it lists {wanted.level.name} of another place: {REMEDY}")
