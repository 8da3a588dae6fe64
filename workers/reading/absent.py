"""What it means for a record that its object is not there as it was planned: one answer for every collection."""

from cluster.storage import ObjectChanged, ObjectForbidden, ObjectMissing
from schemas.status import Fault, Status


def fault_of(error: ObjectMissing | ObjectChanged, missing: str, changed: str) -> Fault:
    """The record's status, and why: `missing` and `changed` are the collection's words for these two."""
    if isinstance(error, ObjectForbidden):
        return Fault(Status.FORBIDDEN, "the store refuses it to these credentials")
    if isinstance(error, ObjectChanged):
        return Fault(Status.INPUT_CHANGED, changed)
    return Fault(Status.MISSING, missing)
