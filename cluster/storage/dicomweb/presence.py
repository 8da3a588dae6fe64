"""Whether a service that does not give one instance means this instance.

A gateway whose service is gone answers 404 to everything, one that has forgotten who asks 403; a service whose disk is
not mounted fails with 500 for each; one whose database was emptied has nothing. None of these is news of an instance,
and none may turn a plan into rows. What tells them apart is whether the service gives other instances meanwhile.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import TypeVar

from cluster.storage.dicomweb.faults import Failed, InVain, Later, NeverGiven, NotGiven, Unproved
from cluster.storage.dicomweb.instances import Instance
from cluster.storage.dicomweb.neighbours import listed_beside
from cluster.storage.dicomweb.pages import page
from cluster.storage.dicomweb.reading import glance
from cluster.storage.dicomweb.service import Service
from cluster.storage.errors import AccessRefusedError, NotAllowedError, ObjectError, ObjectMissing, TransientError
from cluster.storage.retry import settled
from schemas.errors import InfrastructureError, UsageError

T = TypeVar("T")
_MOST_ASKED = 8
"""Others that are asked for before a service is taken for one that gives nothing."""


def asked(service: Service, instance: Instance, call: Callable[[], T]) -> T:
    """The result of `call`, which reads the instance and tries again by itself.

    Raises ObjectMissing, NotAllowedError and NeverGiven where this is proved to be about the instance,
    AccessRefusedError and other InfrastructureErrors where it is not.
    """
    try:
        # A plan names what the service has listed: one answer that it is not there is not believed.
        return settled(call, service.backoff)
    except ObjectMissing:
        _prove_missing(service, instance)
        raise
    except NotAllowedError:
        _prove_allowed(service, instance)
        raise
    except InfrastructureError as error:
        if not _may_be_its_own(error):
            raise
        failure = error
    return _given_after_all(service, instance, call, failure)


def _given_after_all(service: Service, instance: Instance, call: Callable[[], T], failure: InfrastructureError) -> T:
    """Asked twice more, apart in time, and each time between two answers in which another instance came."""
    for pause in service.backoff.doubts():
        if not _gives_another(service, instance):
            raise failure
        time.sleep(pause)
        try:
            glance(service, instance)
        except ObjectMissing:
            continue
        except InfrastructureError as error:
            if not _may_be_its_own(error):
                raise
            failure = error
        else:
            return call()
    if not _gives_another(service, instance):
        raise failure
    raise NeverGiven(_why(failure))


def _may_be_its_own(error: InfrastructureError) -> bool:
    """Whether it may be about the instance: not who asks, not a certificate, not a wish to be asked later."""
    last = error.last if isinstance(error, InVain) else error
    return isinstance(last, TransientError | NotGiven) and not isinstance(last, Later)


def _why(error: InfrastructureError) -> str:
    last = error.last if isinstance(error, InVain) else error
    if isinstance(last, Failed | NotGiven):
        return f"it answers {last.status}"
    return (
        "what it answers is not the instance, or not all of it"
        if isinstance(last, Unproved)
        else "it does not answer to the end"
    )


def _gives_another(service: Service, instance: Instance) -> bool | None:
    """Whether another instance comes now; None where no other is known."""
    others = _others(service, instance)
    known = False
    for other in islice(others, _MOST_ASKED):
        known = True
        try:
            glance(service, other)
        except (ObjectError, InfrastructureError):
            continue
        return True
    return False if known else None


def _others(service: Service, instance: Instance) -> Iterator[Instance]:
    """Those that it gave before; then those that it lists."""
    yield from service.witnesses.other_than(instance)
    yield from listed_beside(service, instance)


def _prove_missing(service: Service, instance: Instance) -> None:
    """Return where the service is there and the instance is not.

    Raises TransientError where the service does not answer as one, gives no instance, or has nothing at all by now.
    """
    gives = _gives_another(service, instance)
    if gives:
        return
    if gives is False:
        raise TransientError(f"{service.where}: it gives none of the instances that it lists: look at its storage")
    try:
        if _has(service, instance.study) or _has(service, None):
            return
    except UsageError:
        # Some give no list of everything, but have answered the first question as services do.
        return
    except ObjectMissing:
        raise TransientError(f"{service.where}: there is no DICOMweb service any more (404): start it again") from None
    raise TransientError(f"{service.where}: it has no study at all, and had some before: look at its storage")


def _prove_allowed(service: Service, instance: Instance) -> None:
    """Return where these credentials may search, so that a refusal is about the instance. Raises AccessRefusedError."""
    try:
        _has(service, instance.study)
    except NotAllowedError:
        raise AccessRefusedError(
            f"{service.where}: it refuses everything to these credentials (403): correct them, or its rules"
        ) from None


def _has(service: Service, study: str | None) -> bool:
    keys = [] if study is None else [("StudyInstanceUID", study)]
    try:
        return bool(service.gate.again(partial(page, service, "studies", [*keys, ("limit", "1")])).items)
    except ObjectMissing:
        # Some answer so to a search that finds nothing.
        if study is None:
            raise
        return False
