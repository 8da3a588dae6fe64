"""Windows that are alike to the network are shown once, and labels stay what they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from schemas.errors import RecordError, SpecError
from schemas.status import Status
from tests.support.volume_windows import Net, card, run, unet, volume
from workers.images.volumes.card import Windows
from workers.images.volumes.volume import Volume
from workers.images.volumes.windows.alike import AlikeWindows, check_air
from workers.images.volumes.windows.gather import Gather
from workers.images.volumes.windows.places import cut
from workers.images.volumes.windows.runner import open_runner, open_tuner
from workers.images.volumes.windows.sinks import LogitsSink

ROI = (8, 8, 8)


def body(length: int = 40, air: float = -1.0) -> Volume:
    """Tissue in the middle of air of one value."""
    one = volume(length, 16, 16)
    voxels = np.full_like(one.voxels, air)
    voxels[:, 16:24, 4:12, 4:12] = one.voxels[:, 16:24, 4:12, 4:12]
    return Volume(voxels, one.grid)


def shown_all(network: Any, settings: Windows, volumes: list[Volume], batch: int = 4) -> list[Any]:
    """Logits of windows that are all shown: noise of no weight keeps each from being like another."""
    model = Net(network, card(settings))
    runner = open_runner(model, open_tuner(model, fixed=batch), LogitsSink)
    runner._alike._value = lambda inside, beside: None
    return [one.value for key, each in enumerate(volumes) for one in runner.add(key, each)] + [
        one.value for one in runner.flush()
    ]


@pytest.mark.parametrize("batch", [1, 3, 5])
@pytest.mark.parametrize("mirror", [(), (0, 2)])
def test_windows_of_one_value_are_shown_once_whatever_the_network(batch: int, mirror: tuple[int, ...]) -> None:
    settings = Windows(roi=ROI, blend="gaussian", mirror=mirror)
    volumes = [body(), body(24), body(air=2.0)]
    network = unet()
    model = Net(network, card(settings))
    runner = open_runner(model, open_tuner(model, fixed=batch), LogitsSink)
    done = [one for key, each in enumerate(volumes) for one in runner.add(key, each)] + runner.flush()
    for one, expected in zip(done, shown_all(network, settings, volumes), strict=True):
        np.testing.assert_allclose(one.value, expected, rtol=0, atol=1e-5)
        assert (one.value.argmax(0) == expected.argmax(0)).all()
    windows = sum(cut(settings, one.grid.shape).count for one in volumes)
    assert runner.tally.windows == windows
    assert runner.tally.reused > windows / 3
    assert sum(model.batches) == (windows - runner.tally.reused) * 2 ** len(mirror)


def kind_of(one: Volume, settings: Windows, air_below: float | None = None) -> bool:
    """Whether the first window of a volume is of a kind."""
    found = cut(settings, one.grid.shape)
    kind, _ = AlikeWindows(air_below).kind(Gather(one.voxels, found, settings), (0, 0, 0), found.roi)
    return kind is not None


def test_one_other_voxel_anywhere_makes_a_window_unlike() -> None:
    settings = Windows(roi=ROI)
    for place in ((0, 0, 0), (7, 7, 7), (3, 4, 6), (5, 0, 1)):
        one = Volume(np.zeros((1, 8, 8, 8), np.float32), volume(8, 8, 8).grid)
        assert kind_of(one, settings)
        one.voxels[(0, *place)] = 1e-6
        assert not kind_of(one, settings)
        one.voxels[(0, *place)] = np.nan
        assert not kind_of(one, settings)


def test_padding_of_another_value_makes_a_window_unlike() -> None:
    one = Volume(np.full((1, 4, 8, 8), 2.0, np.float32), volume(4, 8, 8).grid)
    assert not kind_of(one, Windows(roi=ROI))
    assert kind_of(one, Windows(roi=ROI, fill=2.0))
    assert kind_of(one, Windows(roi=ROI, padding="edge"))
    assert not kind_of(one, Windows(roi=ROI, fill=2.5), air_below=2.0)
    assert kind_of(one, Windows(roi=ROI, fill=1.5), air_below=2.0)


class Clipped(nn.Module):
    """A network that takes all values below a limit for that limit."""

    def __init__(self, limit: float) -> None:
        super().__init__()
        self.limit = limit
        self.rest = unet()

    def forward(self, x: Tensor) -> Tensor:
        return self.rest(x.clamp(min=self.limit))


def test_air_of_many_values_is_shown_once_to_a_network_that_tells_no_air_apart() -> None:
    rng = np.random.default_rng(1)
    one = body()
    air = one.voxels == -1.0
    one.voxels[air] = -1.0 - rng.random(int(air.sum()), np.float32)
    settings, network = Windows(roi=ROI), Clipped(-1.0)
    model = Net(network, card(settings, air_below=-1.0))
    runner = open_runner(model, open_tuner(model, fixed=3), LogitsSink)
    done = [*runner.add(0, one), *runner.flush()]
    (expected,) = shown_all(network, settings, [one])
    np.testing.assert_allclose(done[0].value, expected, rtol=0, atol=1e-5)
    assert (done[0].value.argmax(0) == expected.argmax(0)).all()
    assert runner.tally.reused > 20


def test_a_network_that_tells_air_apart_is_refused() -> None:
    for network in (unet(), Clipped(-1.1)):
        with pytest.raises(SpecError, match="air_below"):
            check_air(Net(network, card(Windows(roi=ROI), air_below=-1.0)))


def test_without_air_below_nothing_is_tried() -> None:
    model = Net(unet(), card(Windows(roi=ROI)))
    check_air(model)
    assert model.batches == []


def test_where_the_one_that_was_to_be_shown_is_refused_another_is() -> None:
    """The first volume ends for a reason of its own after its air was put in line."""
    network = unet()
    settings = Windows(roi=ROI, overlap=0)
    first, second = body(), body(24)
    first.voxels[0, 20, 8, 8] = 99.0

    def picky(batch: Tensor) -> Tensor:
        if (batch == 99).any():
            raise RecordError(Status.OUT_OF_CONTRACT, "99")
        return network(batch)

    done = run(Net(picky, card(settings)), [first, second], 5)
    assert done[0].fault is not None
    np.testing.assert_allclose(done[1].value, shown_all(network, settings, [second])[0], rtol=0, atol=1e-5)


def test_logits_that_are_kept_go_first_where_memory_is_short() -> None:
    tried = []

    def short(batch: Tensor) -> Tensor:
        tried.append(len(batch))
        if len(tried) == 2:
            raise MemoryError
        return batch.expand(-1, 3, -1, -1, -1)

    air = Volume(np.zeros((1, 8, 8, 8), np.float32), volume(8, 8, 8).grid)
    done = run(Net(short, card(Windows(roi=ROI))), [air, volume(8, 8, 8), air], 1)
    assert [one.fault for one in done] == [None, None, None]
    assert tried == [1, 1, 1, 1]
    assert all(torch.from_numpy(one.value).isfinite().all() for one in done)
