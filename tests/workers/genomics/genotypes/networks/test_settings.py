from __future__ import annotations

import pytest

from schemas.errors import SpecError
from schemas.loading import validate
from workers.genomics.genotypes.networks.settings import PanelNetworkConfig


def test_every_network_is_told_how_long_its_panel_is_and_how_many_numbers_it_gives() -> None:
    config = validate(PanelNetworkConfig, {"num_variants": 1, "num_outputs": 1})
    assert (config.num_variants, config.num_outputs) == (1, 1)


@pytest.mark.parametrize(
    "wrong", [{"num_variants": 0}, {"num_variants": 50_000_001}, {"num_outputs": 0}, {"layers": 2}]
)
def test_sizes_that_no_network_has_are_refused_by_name(wrong: dict[str, int]) -> None:
    with pytest.raises(SpecError, match=next(iter(wrong))):
        validate(PanelNetworkConfig, {"num_variants": 5, "num_outputs": 1, **wrong})
