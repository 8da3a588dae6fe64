"""Settings of storage."""

import pytest

from cluster.storage.settings import StorageSettings
from schemas.errors import SpecError
from schemas.loading import validate


def test_a_read_is_tried_long_enough_to_outlive_a_restart_of_the_store() -> None:
    settings = StorageSettings()
    pauses = [min(settings.longest_backoff, settings.backoff * 2**retry) for retry in range(settings.attempts - 1)]
    assert 20 < sum(pauses) < 60


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"attempts": 0}, "attempts"),
        ({"connect_timeout": 0}, "connect_timeout"),
        ({"max_pool_connections": 2000}, "max_pool_connections"),
        ({"addressing": "dns"}, "addressing"),
        ({"secret_key": "x"}, "unknown key 'secret_key'"),
        ({"endpoint": "x"}, "unknown key 'endpoint', did you mean 'endpoint_url'"),
    ],
)
def test_what_cannot_be_is_refused_by_name_and_secrets_have_no_place(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(SpecError, match=f"storage: .*{said}"):
        validate(StorageSettings, wrong, "storage")
