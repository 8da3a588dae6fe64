"""Sums of logits never hold more rows than windows to come may touch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.support.volume_windows import Net, card, volume
from workers.images.volumes.card import Windows
from workers.images.volumes.windows.need import bytes_needed, sums_elements
from workers.images.volumes.windows.places import cut
from workers.images.volumes.windows.ring import Ring
from workers.images.volumes.windows.runner import open_runner, open_tuner
from workers.images.volumes.windows.sinks import LogitsSink
from workers.images.volumes.windows.weights import weights


def whole_sums(settings: Windows, logits: dict[tuple[int, int, int], Tensor], shape: tuple[int, int, int]) -> Tensor:
    """Weighted means over the whole padded grid at once."""
    found = cut(settings, shape)
    weight = weights(settings, found.roi)
    weight = torch.ones(found.roi) if weight is None else weight
    sums, counts = torch.zeros(2, *found.padded), torch.zeros(found.padded)
    for start, window in logits.items():
        part = tuple(slice(first, first + side) for first, side in zip(start, found.roi, strict=True))
        sums[(slice(None), *part)] += window * weight
        counts[part] += weight
    inside = tuple(slice(before, before + size) for before, size in zip(found.before, shape, strict=True))
    return (sums / counts)[(slice(None), *inside)]


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last_3d])
def test_rows_that_are_handed_out_are_the_means_of_all_windows(layout: torch.memory_format) -> None:
    torch.manual_seed(0)
    for shape in ((37, 9, 10), (5, 9, 10), (8, 3, 20), (9, 8, 8)):
        for overlap in (0.0, 0.3, 0.5, 0.75):
            settings = Windows(roi=(8, 8, 8), overlap=overlap, blend="gaussian")
            found = cut(settings, shape)
            logits = {start: torch.randn(2, *found.roi) for start in found}
            ring = Ring(2, found, weights(settings, found.roi), "cpu")
            slabs = []
            for start, window in logits.items():
                slabs += [slab.clone() for slab in ring.before(start[0])]
                ring.add(start, window[None].to(memory_format=layout)[0])
            slabs += [slab.clone() for slab in ring.before(found.padded[0])]
            assert torch.equal(torch.cat(slabs, 1), whole_sums(settings, logits, shape))


class Peak(LogitsSink):
    """Notes the largest slab."""

    rows = 0

    def take(self, slab: Tensor) -> None:
        Peak.rows = max(Peak.rows, slab.shape[1])
        super().take(slab)


def test_a_long_volume_takes_no_more_sums_than_a_short_one() -> None:
    settings = Windows(roi=(8, 8, 8), overlap=0.5)
    model = Net(lambda x: x.expand(-1, 3, -1, -1, -1), card(settings))
    runner = open_runner(model, open_tuner(model, fixed=3), Peak)
    held = []

    def count(batch: Tensor) -> Tensor:
        held.append(sum(one.ring.elements for one in runner._passages if one.ring is not None))
        return batch.expand(-1, 3, -1, -1, -1)

    model.network = count
    long = volume(400, 8, 8)
    (done,) = [*runner.add(0, long), *runner.flush()]
    assert np.array_equal(done.value, np.repeat(long.voxels, 3, 0))
    assert max(held) == (3 + 1) * 8 * 8 * 8 == sums_elements(3, cut(settings, (400, 8, 8)))
    assert Peak.rows == 8


def test_sums_of_volumes_that_wait_do_not_exist() -> None:
    settings = Windows(roi=(8, 8, 8))
    model = Net(lambda x: x.expand(-1, 3, -1, -1, -1), card(settings))
    runner = open_runner(model, open_tuner(model, fixed=64))
    for key in range(5):
        runner.add(key, volume(8, 8, 9, seed=key))
    assert all(one.ring is None for one in runner._passages)
    assert len(runner.flush()) == 5


def test_what_is_needed_grows_with_the_voxels_alone_along_the_first_axis() -> None:
    found = [bytes_needed(card(Windows(roi=(8, 8, 8))), (length, 16, 16)) for length in (16, 32, 64)]
    assert found[1] - found[0] == 16 * 16 * 16 * 4
    assert found[2] - found[1] == 2 * (found[1] - found[0])


def test_a_volume_whose_slab_does_not_fit_the_memory_is_too_large() -> None:
    class Short(LogitsSink):
        def take(self, slab: Tensor) -> None:
            raise MemoryError

    model = Net(lambda x: x.expand(-1, 3, -1, -1, -1), card(Windows(roi=(8, 8, 8))))
    runner = open_runner(model, open_tuner(model, fixed=1), Short)
    (done,) = runner.add(0, volume(8, 8, 8))
    assert done.fault is not None
    assert done.fault.status == "too_large"
