"""Labels and masks are MONAI's `AsDiscrete` of MONAI's logits."""

from __future__ import annotations

import numpy as np
import torch
from monai.inferers import sliding_window_inference
from monai.transforms import Activations, AsDiscrete
from torch import Tensor

from tests.support.volume_windows import Net, card, run, unet, volume
from workers.images.volumes.card import Structure, Windows
from workers.images.volumes.windows.sinks import open_sink

ROI = (8, 8, 8)


def logits_of(network: torch.nn.Module, one: object) -> Tensor:
    with torch.inference_mode():
        return sliding_window_inference(torch.from_numpy(one.voxels)[None], ROI, 2, network, overlap=0.5)[0]


def test_labels_have_the_numbers_that_the_card_gives_them() -> None:
    network, one = unet(outputs=4), volume(11, 8, 17)
    structures = (Structure(name="a", label=300, channel=1), Structure(name="b", label=7, channel=3))
    (done,) = run(Net(network, card(Windows(roi=ROI), 4, structures=structures)), [one], 2, open_sink)
    channels = AsDiscrete(argmax=True)(logits_of(network, one))[0].numpy()
    assert np.array_equal(done.value.voxels, np.array([0, 300, 0, 7], np.uint16)[channels.astype(int)])
    assert done.value.voxels.dtype == np.uint16
    assert done.value.voxels.flags.f_contiguous  # as files have them
    assert np.array_equal(done.value.mask(1), channels == 3)


def test_structures_that_overlap_have_a_mask_each() -> None:
    network, one = unet(outputs=11), volume(11, 8, 17)
    structures = tuple(Structure(name=f"s{n}", label=n + 1, channel=n) for n in range(11))
    wanted = card(Windows(roi=ROI), 11, structures=structures, activation="sigmoid", threshold=0.4)
    (done,) = run(Net(network, wanted), [one], 2, open_sink)
    expected = AsDiscrete(threshold=0.4)(Activations(sigmoid=True)(logits_of(network, one))).numpy()
    assert done.value.planes.shape == (2, 11, 8, 17)
    assert all(plane.flags.f_contiguous for plane in done.value.planes)
    assert (expected.sum(0) > 1).any()
    for number in range(11):
        assert np.array_equal(done.value.mask(number), expected[number] == 1)


def test_one_output_without_activation_is_marked_from_the_threshold_on() -> None:
    structures = (Structure(name="s", label=1, channel=0),)
    wanted = card(Windows(roi=ROI), 1, structures=structures, activation="none", threshold=0.25)
    one = volume(9, 8, 8)
    (done,) = run(Net(lambda x: x, wanted), [one], 2, open_sink)
    assert np.array_equal(done.value.mask(0), one.voxels[0] >= 0.25)
