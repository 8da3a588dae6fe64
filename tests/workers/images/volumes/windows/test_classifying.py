"""Whole volumes are classified in batches of one shape, and come out in order."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.networks.nets import DenseNet

from schemas.errors import RecordError
from schemas.status import Fault, Status
from tests.support.volume_windows import Net, run, volume
from workers.images.volumes.card import VolumeCard

CARD = VolumeCard(task="classification", channels=1, outputs=2, activation="softmax", labels=("a", "b"))
SHAPES = ((8, 8, 8), (8, 8, 9), (8, 8, 8), (8, 8, 8), (8, 8, 9))


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return DenseNet(3, 1, 2, init_features=4, growth_rate=4, block_config=(1, 1)).eval()


@pytest.mark.parametrize("batch", [1, 2, 4])
def test_scores_are_those_of_each_volume_alone(batch: int) -> None:
    net = network()
    volumes = [volume(*shape, seed=seed) for seed, shape in enumerate(SHAPES)]
    model = Net(net, CARD)
    done = run(model, volumes, batch)
    assert [one.key for one in done] == list(range(5))
    for one, finished in zip(volumes, done, strict=True):
        with torch.inference_mode():
            expected = torch.softmax(net(torch.from_numpy(one.voxels)[None]), 1)[0].numpy()
        np.testing.assert_allclose(finished.value, expected, rtol=0, atol=1e-5)
        assert finished.value.dtype == np.float32
    assert max(model.batches) == min(batch, 3)


def test_what_cannot_be_scored_is_told_and_the_rest_is_scored() -> None:
    def picky(batch: torch.Tensor) -> torch.Tensor:
        if (batch == 99).any():
            raise RecordError(Status.OUT_OF_CONTRACT, "99")
        return batch.mean((2, 3, 4)).expand(-1, 2)

    volumes = [volume(8, 8, 8, seed=seed) for seed in range(3)] + [volume(8, 8, 8, channels=2), volume(16, 8, 8)]
    volumes[1].voxels[0, 0, 0, 0] = 99
    done = run(Net(picky, CARD, room=2 * 8 * 8 * 8 - 1), volumes, 4)
    assert [one.fault and one.fault.status for one in done] == [
        None,
        Status.OUT_OF_CONTRACT,
        None,
        Status.OUT_OF_CONTRACT,
        Status.TOO_LARGE,
    ]
    assert done[1].fault == Fault(Status.OUT_OF_CONTRACT, "99")
