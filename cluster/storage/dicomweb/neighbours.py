"""A few instances that a service lists beside one: of its series, then of other series and studies."""

from collections.abc import Iterator
from contextlib import suppress

from cluster.storage.dicomweb.instances import Instance
from cluster.storage.dicomweb.pages import INSTANCES, SERIES, STUDIES, Level, page, uid_of
from cluster.storage.dicomweb.service import Service
from cluster.storage.errors import ObjectError
from schemas.errors import WardroundError

_OF_ITS_SERIES = 3
_STUDIES = 8


def listed_beside(service: Service, instance: Instance) -> Iterator[Instance]:
    """Others than it. Asked for as they are needed, and without trying twice; nothing where no list is given."""
    own = f"studies/{instance.study}/series/{instance.series}/instances"
    uids = [uid for uid in _listed(service, own, INSTANCES, _OF_ITS_SERIES + 1) if uid != instance.uid]
    yield from (Instance(instance.study, instance.series, uid) for uid in uids[:_OF_ITS_SERIES])
    for study in _listed(service, "studies", STUDIES, _STUDIES):
        for series in _listed(service, f"studies/{study}/series", SERIES, 2):
            if (study, series) == (instance.study, instance.series):
                continue
            found = _listed(service, f"studies/{study}/series/{series}/instances", INSTANCES, 1)
            yield from (Instance(study, series, uid) for uid in found)


def _listed(service: Service, path: str, level: Level, most: int) -> list[str]:
    with suppress(WardroundError, ObjectError):
        items = page(service, path, [("limit", str(most)), ("offset", "0")]).items
        return [uid_of(service, item, level) for item in items[:most]]
    return []
