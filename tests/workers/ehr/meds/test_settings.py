"""Settings of any conversion to MEDS."""

import pytest

from schemas.errors import SpecError
from schemas.loading import validate
from workers.ehr.meds.settings import MIB, MedsInput


def test_sizes_may_be_written_with_their_unit_and_default_to_what_a_worker_can_hold() -> None:
    given = validate(MedsInput, {"uri": "/in", "chunk_bytes": "2 MiB"}, "input")
    assert (given.chunk_bytes, given.bucket_bytes, given.rules) == (2 * MIB, 256 * MIB, None)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"chunk_bytes": 0}, r"input: .*chunk_bytes"),
        ({"bucket_bytes": "a lot"}, r"input: .*bucket_bytes"),
        ({"chunk_byte": 5}, r"input: unknown key 'chunk_byte', did you mean 'chunk_bytes'"),
    ],
)
def test_a_size_that_is_none_and_a_setting_that_is_not_there_are_refused_by_name(
    wrong: dict[str, object], said: str
) -> None:
    with pytest.raises(SpecError, match=said):
        validate(MedsInput, {"uri": "/in", **wrong}, "input")
