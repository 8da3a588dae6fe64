"""On a GPU windows, sums and slabs lie there, and move to the processor's memory where it is short."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from schemas.errors import NoMemoryError
from tests.support.volume_windows import Net, card, run, unet, volume
from workers.images.volumes.card import Windows
from workers.images.volumes.windows.finished import Tally
from workers.images.volumes.windows.places import cut
from workers.images.volumes.windows.runner import open_runner, open_tuner
from workers.images.volumes.windows.sinks import LogitsSink, open_sink
from workers.images.volumes.windows.sums import Sums

SETTINGS = Windows(roi=(8, 12, 8), blend="gaussian")
VOLUMES = (volume(19, 13, 17), volume(5, 20, 9, seed=1))


class OnGpu(Net):
    """The network on a GPU; its first `short` passes find no memory."""

    device = "cuda"
    short = 0

    def forward(self, windows: Tensor) -> Tensor:
        if self.short:
            self.short -= 1
            raise torch.OutOfMemoryError
        return super().forward(windows)


@pytest.mark.gpu
@pytest.mark.parametrize("sink", [LogitsSink, open_sink])
def test_a_gpu_gives_what_the_processor_gives(sink: object) -> None:
    network = unet()
    expected = run(Net(network, card(SETTINGS)), VOLUMES, 3, sink)
    found = run(OnGpu(network.cuda(), card(SETTINGS)), VOLUMES, 3, sink)
    for one, other in zip(found, expected, strict=True):
        if sink is LogitsSink:
            np.testing.assert_allclose(one.value, other.value, rtol=0, atol=1e-4)
        else:
            assert (one.value.voxels == other.value.voxels).mean() > 0.999


@pytest.mark.gpu
def test_where_one_window_does_not_fit_sums_leave_the_gpu() -> None:
    network = unet().cuda()
    model = OnGpu(network, card(SETTINGS))
    runner = open_runner(model, open_tuner(model, fixed=1), LogitsSink)
    done = runner.add(0, VOLUMES[0])
    model.short = 1
    done += [*runner.add(1, VOLUMES[1]), *runner.flush()]
    assert runner.tally.moved == 1
    expected = run(OnGpu(network, card(SETTINGS)), VOLUMES, 1)
    for one, other in zip(done, expected, strict=True):
        np.testing.assert_allclose(one.value, other.value, rtol=0, atol=1e-5)


def test_sums_stay_where_there_is_nowhere_to_go() -> None:
    tally = Tally()
    sums = Sums(card(SETTINGS), "cpu", tally)
    assert not sums.leave_device([sums.open(cut(SETTINGS, (9, 12, 8)))])
    assert tally.moved == 0


def test_a_processor_without_memory_is_asked_once_more_after_what_is_kept_went() -> None:
    model = OnGpu(unet(), card(SETTINGS))
    model.device, model.short = "cpu", 1
    with pytest.raises(NoMemoryError):
        run(model, VOLUMES[:1], 1)
