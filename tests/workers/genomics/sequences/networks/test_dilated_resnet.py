from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from workers.genomics.sequences.networks.dilated_resnet import Config


def test_the_window_is_what_the_outputs_depend_on() -> None:
    config = Config(num_outputs=2, kernels=(3, 5), dilations=(1, 2), skip_every=2, positions=7)
    # Both convolutions of a block: 2 * 1 + 4 * 2 bases on either side.
    assert (config.reach, config.window) == (10, 27)


def test_the_settings_that_are_there_without_a_word_are_those_of_a_window_of_10001_bases() -> None:
    assert Config(num_outputs=3, positions=1).window == 1 + 2 * 5000 == Config(num_outputs=3).window


def test_outputs_that_are_kept_apart_are_shared_out_to_the_positions() -> None:
    small = {"kernels": (3,), "dilations": (1,), "skip_every": 1, "positions": 3}
    assert Config(num_outputs=6, pooling="each", **small).outputs_per_position == 2
    assert Config(num_outputs=6, pooling="max", **small).outputs_per_position == 6


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"dilations": (1,)}, "2 kernels but 1 dilations"),
        ({"kernels": (3, 4)}, "a kernel of 4 has no middle"),
        ({"positions": 2}, "2 positions have no middle"),
        ({"skip_every": 3}, "cannot be cut into groups of skip_every = 3"),
        ({"positions": 3, "pooling": "each", "num_outputs": 4}, "4 outputs cannot be shared out evenly to 3 positions"),
        ({"kernels": (1025, 1025), "dilations": (65_536, 1)}, "more than the 5,000,000"),
    ],
)
def test_settings_that_make_no_network_say_why(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Config.model_validate({"num_outputs": 2, "kernels": (3, 3), "dilations": (1, 1), "skip_every": 1, **wrong})
