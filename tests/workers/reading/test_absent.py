"""What it means for a record that its object is not as it was planned."""

import pytest

from cluster.storage import ObjectChanged, ObjectForbidden, ObjectMissing
from schemas.status import Status
from workers.reading.absent import fault_of


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (ObjectMissing(), Status.MISSING, "gone"),
        (ObjectChanged(), Status.INPUT_CHANGED, "other"),
        (ObjectForbidden(), Status.FORBIDDEN, "the store refuses it to these credentials"),
    ],
)
def test_each_of_the_three_is_a_status_of_its_own(
    error: ObjectMissing | ObjectChanged, status: Status, detail: str
) -> None:
    assert fault_of(error, "gone", "other") == (status, detail)
