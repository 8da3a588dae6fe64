"""Logits and labels of a runner are those of `monai.inferers.sliding_window_inference`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from monai.inferers import sliding_window_inference
from torch import nn

from schemas.errors import NoMemoryError, RecordError, SpecError
from schemas.status import Fault, Status
from tests.support.volume_windows import Net, card, run, unet, volume
from workers.contract import Array
from workers.images.volumes.card import Windows
from workers.images.volumes.volume import Volume
from workers.images.volumes.windows.runner import open_runner, open_tuner
from workers.images.volumes.windows.sinks import LogitsSink, open_sink

NETWORK = unet()
ROI = (8, 12, 8)
VOLUMES = (volume(19, 13, 17), volume(5, 20, 9, seed=1), volume(8, 12, 8, seed=2), volume(21, 6, 7, seed=3))
"""Odd shapes, shorter than a window along one axis and along two, and one window alone."""
PADDINGS = {"constant": "constant", "edge": "replicate", "reflect": "reflect", "wrap": "circular"}


def monai(network: nn.Module, one: Volume, windows: Windows, batch: int = 4) -> Array:
    """Logits of MONAI."""
    with torch.inference_mode():
        logits = sliding_window_inference(
            torch.from_numpy(one.voxels)[None],
            windows.roi,
            batch,
            network,
            overlap=windows.overlap,
            mode=windows.blend,
            sigma_scale=windows.sigma_scale,
            padding_mode=PADDINGS[windows.padding],
            cval=windows.fill if windows.padding == "constant" else 0.0,
        )
    return logits[0].numpy()


@pytest.mark.parametrize("blend", ["constant", "gaussian"])
@pytest.mark.parametrize("overlap", [0, 0.25, 0.5, 0.625, (0.5, 0.25, 0)])
def test_logits_are_those_of_monai_whatever_shares_their_batch(overlap: Any, blend: str) -> None:
    windows = Windows(roi=ROI, overlap=overlap, blend=blend)
    expected = [monai(NETWORK, one, windows) for one in VOLUMES]
    for batch in (1, 2, 5, 7):
        done = run(Net(NETWORK, card(windows)), VOLUMES, batch)
        assert [one.key for one in done] == [0, 1, 2, 3]
        for one, logits in zip(done, expected, strict=True):
            np.testing.assert_allclose(one.value, logits, rtol=0, atol=1e-5)
            assert (one.value.argmax(0) == logits.argmax(0)).all()


@pytest.mark.parametrize("blend", ["constant", "gaussian"])
def test_in_batches_of_one_logits_are_those_of_monai_to_the_bit(blend: str) -> None:
    windows = Windows(roi=ROI, overlap=0.625, blend=blend)
    for one, done in zip(VOLUMES, run(Net(NETWORK, card(windows)), VOLUMES, 1), strict=True):
        assert np.array_equal(done.value, monai(NETWORK, one, windows, 1))


@pytest.mark.parametrize("padding", PADDINGS)
def test_small_volumes_are_filled_up_as_monai_does(padding: str) -> None:
    windows = Windows(roi=ROI, padding=padding, fill=1.5, overlap=0.25)
    small = [volume(5, 20, 9), volume(20, 7, 6)]
    for one, done in zip(small, run(Net(NETWORK, card(windows)), small), strict=True):
        np.testing.assert_allclose(done.value, monai(NETWORK, one, windows), rtol=0, atol=1e-5)


@pytest.mark.parametrize("padding", ["reflect", "wrap"])
def test_a_volume_too_small_to_be_filled_up_is_refused_and_others_are_not(padding: str) -> None:
    windows = Windows(roi=ROI, padding=padding)
    done = run(Net(NETWORK, card(windows)), [VOLUMES[0], volume(1, 12, 8), VOLUMES[2]])
    assert [one.fault and one.fault.status for one in done] == [None, Status.OUT_OF_CONTRACT, None]
    with pytest.raises(RuntimeError):
        monai(NETWORK, volume(1, 12, 8), windows)


def test_labels_are_those_of_monai() -> None:
    windows = Windows(roi=ROI, overlap=0.5, blend="gaussian")
    for one, done in zip(VOLUMES, run(Net(NETWORK, card(windows)), VOLUMES, 3, open_sink), strict=True):
        assert np.array_equal(done.value.voxels, monai(NETWORK, one, windows).argmax(0))
        assert done.value.voxels.dtype == np.uint8


def test_a_side_below_one_is_the_volumes_own() -> None:
    windows = Windows(roi=(8, 12, -1))
    few = [volume(12, 12, 8), volume(12, 12, 16, seed=1)]
    for one, done in zip(few, run(Net(NETWORK, card(windows)), few, 3), strict=True):
        np.testing.assert_allclose(done.value, monai(NETWORK, one, windows), rtol=0, atol=1e-5)


def test_without_windows_the_volume_goes_in_whole() -> None:
    few = [volume(12, 8, 16), volume(4, 4, 8, seed=1)]
    for one, done in zip(few, run(Net(NETWORK, card(None)), few), strict=True):
        with torch.inference_mode():
            expected = NETWORK(torch.from_numpy(one.voxels)[None])[0].numpy()
        np.testing.assert_allclose(done.value, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ["int16", "uint16", "float64", "uint8", ">i2"])
def test_voxels_may_be_of_any_type_and_lie_anyhow(kind: str) -> None:
    rng = np.random.default_rng(0)
    stored = rng.integers(0, 100, (17, 13, 19)).astype(kind)
    turned = Volume(stored[::-1, :, ::-2].transpose(2, 0, 1)[None], volume(10, 17, 13).grid)
    plain = Volume(np.ascontiguousarray(turned.voxels, np.float32), turned.grid)
    windows = Windows(roi=ROI)
    (found,) = run(Net(NETWORK, card(windows)), [turned])
    (expected,) = run(Net(NETWORK, card(windows)), [plain])
    assert np.array_equal(found.value, expected.value)


def test_batches_are_filled_across_volumes() -> None:
    model = Net(NETWORK, card(Windows(roi=ROI, overlap=0)))
    run(model, [volume(8, 12, 16, seed=seed) for seed in range(5)], 4)
    assert model.batches == [4, 4, 2]


def test_volumes_come_out_as_soon_as_their_last_window_is_through() -> None:
    model = Net(NETWORK, card(Windows(roi=ROI, overlap=0)))
    runner = open_runner(model, open_tuner(model, fixed=2), LogitsSink)
    few = [volume(8, 12, 8, seed=seed) for seed in range(3)]
    assert runner.add("a", few[0]) == []
    assert runner.held_bytes == few[0].voxels.nbytes
    assert [one.key for one in runner.add("b", few[1])] == ["a", "b"]
    assert runner.add("c", few[2]) == []
    assert [one.key for one in runner.flush()] == ["c"]
    assert runner.held_bytes == 0
    assert runner.seconds > 0
    assert runner.core_seconds > 0
    assert runner.tally.windows == 3


def test_the_same_volumes_give_the_same_bits() -> None:
    windows = Windows(roi=ROI, blend="gaussian")
    first, second = (run(Net(NETWORK, card(windows)), VOLUMES, 3) for _ in range(2))
    assert all(np.array_equal(a.value, b.value) for a, b in zip(first, second, strict=True))


def test_a_volume_with_other_channels_is_refused() -> None:
    (done,) = run(Net(NETWORK, card(Windows(roi=ROI))), [volume(8, 8, 8, channels=2)])
    assert done.fault is not None
    assert done.fault.status == Status.OUT_OF_CONTRACT
    assert "the model takes 1 channel(s), the prepared volume has 2: correct" in done.fault.detail


def test_several_channels_go_in_together() -> None:
    network, windows = unet(channels=2, outputs=4), Windows(roi=ROI, overlap=0.25)
    one = volume(11, 12, 20, channels=2)
    (done,) = run(Net(network, card(windows, outputs=4, channels=2)), [one])
    np.testing.assert_allclose(done.value, monai(network, one, windows), rtol=0, atol=1e-5)


def test_what_the_network_refuses_ends_its_volume_alone() -> None:
    def picky(batch: torch.Tensor) -> torch.Tensor:
        if (batch > 50).any():
            raise RecordError(Status.OUT_OF_CONTRACT, "not above 50")
        return NETWORK(batch)

    few = [volume(8, 12, 30, seed=seed) for seed in range(4)]
    few[2].voxels[0, 3, 3, 20] = 60
    windows = Windows(roi=ROI)
    done = run(Net(picky, card(windows)), few, 5)
    assert [one.fault for one in done] == [None, None, Fault(Status.OUT_OF_CONTRACT, "not above 50"), None]
    np.testing.assert_allclose(done[3].value, monai(NETWORK, few[3], windows), rtol=0, atol=1e-5)


def test_logits_that_are_no_numbers_are_an_invalid_output() -> None:
    few = [volume(8, 12, 20), volume(8, 12, 20)]
    few[0].voxels[0, 0, 0, 19] = np.nan
    done = run(Net(NETWORK, card(Windows(roi=ROI))), few)
    assert done[0].fault is not None
    assert done[0].fault.status == Status.INVALID_OUTPUT
    assert done[1].fault is None


def test_a_network_of_other_outputs_than_its_card_says_is_named() -> None:
    with pytest.raises(SpecError, match="outputs"):
        run(Net(NETWORK, card(Windows(roi=ROI), outputs=4)), [volume(8, 12, 8)])


@pytest.mark.parametrize("windows", [None, Windows(roi=(0, 12, 8))])
def test_a_whole_volume_that_comes_back_in_another_size_is_refused_alone(windows: Windows | None) -> None:
    few = [volume(8, 12, 8), volume(7, 12, 8), volume(16, 12, 8)]
    done = run(Net(NETWORK, card(windows)), few)
    assert [one.fault is None for one in done] == [True, False, True]
    assert done[1].fault is not None
    assert done[1].fault.status == Status.OUT_OF_CONTRACT
    assert "answers a volume of 7 x 12 x 8 voxels with 8 x 12 x 8: let `pad` with multiple_of" in done[1].fault.detail
    with pytest.raises(SpecError, match="correct `outputs`"):
        run(Net(NETWORK, card(windows, outputs=4)), few[:1])


def test_a_window_of_fixed_size_that_comes_back_in_another_is_the_models_fault() -> None:
    with pytest.raises(SpecError, match="the window's size"):
        run(Net(NETWORK, card(Windows(roi=(7, 12, 8)))), [volume(7, 12, 8)])


def test_a_network_may_hand_its_input_on() -> None:
    windows = Windows(roi=(4, 4, 4), overlap=0)
    few = [volume(9, 8, 7, channels=2, seed=seed) for seed in range(2)]
    for one, done in zip(few, run(Net(lambda x: x, card(windows, outputs=2, channels=2)), few, 3), strict=True):
        assert np.array_equal(done.value, one.voxels)


@pytest.mark.parametrize("room", [1, 2, 3])
def test_where_memory_is_short_batches_are_halved_for_good(room: int) -> None:
    windows = Windows(roi=ROI)
    model = Net(NETWORK, card(windows), room=room * 8 * 12 * 8)
    runner = open_runner(model, open_tuner(model, fixed=7), LogitsSink)
    done = [*runner.add(0, VOLUMES[0]), *runner.add(1, VOLUMES[1]), *runner.flush()]
    for one, finished in zip(VOLUMES, done, strict=False):
        np.testing.assert_allclose(finished.value, monai(NETWORK, one, windows), rtol=0, atol=1e-5)
    assert max(model.batches) == {1: 1, 2: 1, 3: 3}[room]
    assert runner.tally.halved == {1: 2, 2: 2, 3: 1}[room]


def test_a_device_without_room_for_one_window_is_told_as_such() -> None:
    model = Net(NETWORK, card(Windows(roi=ROI)), room=8 * 12 * 8 - 1)
    with pytest.raises(NoMemoryError, match="smaller windows"):
        run(model, [VOLUMES[0]])


def test_a_whole_volume_that_the_device_cannot_hold_is_too_large_and_others_are_not() -> None:
    few = [volume(8, 8, 8), volume(16, 8, 8), volume(8, 8, 8, seed=1)]
    done = run(Net(NETWORK, card(None), room=8 * 8 * 8), few, 1)
    assert [one.fault and one.fault.status for one in done] == [None, Status.TOO_LARGE, None]


def test_a_volume_that_would_not_fit_is_not_tried() -> None:
    model = Net(NETWORK, card(Windows(roi=ROI)))
    done = run(model, [VOLUMES[0], VOLUMES[2]], room=30_000)
    assert [one.fault and one.fault.status for one in done] == [Status.TOO_LARGE, None]
