"""Settings that all networks on events share."""

import pytest

from schemas.errors import SpecError
from schemas.loading import validate
from workers import registry
from workers.ehr.events.networks.settings import UNKNOWN, EventNetworkConfig


@pytest.mark.parametrize("name", registry.NETWORKS["events"])
def test_every_network_on_events_has_them(name: str) -> None:
    assert issubclass(registry.networks("events").load(name).Config, EventNetworkConfig)


def test_a_vocabulary_has_at_least_one_code_beside_the_unknown_one() -> None:
    assert validate(EventNetworkConfig, {"num_codes": 2, "num_outputs": 1}, "config").num_codes == UNKNOWN + 2
    with pytest.raises(SpecError, match=r"config: .*num_codes"):
        validate(EventNetworkConfig, {"num_codes": 1, "num_outputs": 1}, "config")


@pytest.mark.parametrize(
    "wrong", [{"num_outputs": 0}, {"embedding": 0}, {"embedding": 65_537}, {"inputs": ["values"]}, {"outputs": 1}]
)
def test_a_setting_that_cannot_be_is_refused_by_its_name(wrong: dict[str, object]) -> None:
    with pytest.raises(SpecError, match=f"config: .*{next(iter(wrong))}"):
        validate(EventNetworkConfig, {"num_codes": 5, "num_outputs": 1, **wrong}, "config")
