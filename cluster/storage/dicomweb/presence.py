"""Whether a service that says no to one instance means this instance.

A gateway whose service is gone answers 404 to everything, one that has forgotten who asks 403; a service whose database
was emptied has nothing. None of these is news of an instance, and none may turn a plan into rows.
"""

from functools import partial

from cluster.storage.dicomweb.instances import Instance
from cluster.storage.dicomweb.search import page
from cluster.storage.dicomweb.service import Service
from cluster.storage.errors import AccessRefusedError, NotAllowedError, ObjectMissing, TransientError
from schemas.errors import UsageError


def prove_missing(service: Service, instance: Instance) -> None:
    """Return where the service is there and the instance is not.

    Raises TransientError where the service does not answer as one, or has nothing at all by now.
    """
    try:
        if _has(service, instance.study) or _has(service, None):
            return
    except UsageError:
        # Some give no list of everything, but have answered the first question as services do.
        return
    except ObjectMissing:
        raise TransientError(f"{service.where}: there is no DICOMweb service any more (404): start it again") from None
    raise TransientError(f"{service.where}: it has no study at all, and had some before: look at its storage")


def prove_allowed(service: Service, instance: Instance) -> None:
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
        return bool(service.gate.again(partial(page, service, "studies", [*keys, ("limit", "1")])))
    except ObjectMissing:
        # Some answer so to a search that finds nothing.
        if study is None:
            raise
        return False
