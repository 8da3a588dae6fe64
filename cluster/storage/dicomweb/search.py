"""Find instances by QIDO-RS: studies, their series, the instances of each, page after page."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice

from cluster.storage.dicomweb.instances import Instance
from cluster.storage.dicomweb.keys import Keys, Search
from cluster.storage.dicomweb.listing import Found, Wanted, listed
from cluster.storage.dicomweb.pages import INSTANCES, SERIES, STUDIES, page
from cluster.storage.dicomweb.service import Service
from cluster.storage.errors import AccessRefusedError, ObjectMissing
from schemas.errors import InfrastructureError, UsageError

_AHEAD = 64
"""Studies that are looked into before their instances are asked for."""


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
        return _any_of(service, search.studies, lambda keys: Wanted("studies", keys, STUDIES)).items()
    except ObjectMissing:
        raise UsageError(f"{service.where}: there is no DICOMweb service (404): correct input.uri") from None


def _of_study(service: Service, search: Search, study: tuple[str, int | None]) -> list[Instance]:
    try:
        return list(_looked_into(service, search, *study))
    except ObjectMissing:
        raise InfrastructureError(f"{service.where}: a study vanished while it was planned: run again") from None
    except AccessRefusedError:
        raise
    except InfrastructureError as error:
        if not _lists_studies(service):
            raise
        # Orthanc reads files for its lists, so that one that is gone from its disk breaks the list of its series.
        raise InfrastructureError(
            f"{error}. It lists studies, and never what lies in one of them: a damaged object may be why; its log "
            "tells which, and input.query can leave the study out"
        ) from None


def _lists_studies(service: Service) -> bool:
    try:
        return bool(page(service, STUDIES.name, [("limit", "1")]).items)
    except (InfrastructureError, ObjectMissing, UsageError):
        return False


def _looked_into(service: Service, search: Search, study: str, series_told: int | None) -> Iterator[Instance]:
    path, within = f"studies/{study}/series", {STUDIES.uid: study}
    of_study = partial(Wanted, path, level=SERIES, told=series_told, within=within)
    for series, told in sorted(_any_of(service, search.series, of_study).items()):
        of_series = partial(
            Wanted, f"{path}/{series}/instances", level=INSTANCES, told=told, within={**within, SERIES.uid: series}
        )
        for uid in sorted(_any_of(service, search.instances, of_series)):
            yield Instance(study, series, uid)


def _any_of(service: Service, sets: Sequence[Keys], of: Callable[[Keys], Wanted]) -> Found:
    found: Found = {}
    for keys in sets:
        found |= listed(service, of(keys))
    return found
