"""What a bundle tidies of its labels is tidied here to the same voxels, or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from monai import transforms
from monai.data import MetaTensor
from numpy.typing import NDArray

from tests.support.marked_volumes import affine
from workers.images.volumes.card import Structure
from workers.images.volumes.formats.monai.cleaning import cleaning_of
from workers.images.volumes.formats.monai.config import Component
from workers.images.volumes.outputs.clean import cleaned
from workers.images.volumes.outputs.marked import Marked
from workers.images.volumes.outputs.settings import Clean
from workers.images.volumes.volume import Grid

KEEP, FILL, SMALL = "KeepLargestConnectedComponentd", "FillHolesd", "RemoveSmallObjectsd"
AT = affine(np.diag([-1.0, -1.0, 1.0]), (1.5, 1.5, 2.0))
EXCLUSIVE: list[tuple[int, str, dict[str, Any]]] = [
    (3, KEEP, {}),
    (3, KEEP, {"applied_labels": [0, 2]}),
    (3, KEEP, {"applied_labels": 1, "independent": False, "connectivity": 3, "is_onehot": False}),
    (2, FILL, {}),
    (2, FILL, {"applied_labels": [1], "connectivity": 3}),
    (2, SMALL, {"min_size": 5}),
    (2, SMALL, {"min_size": 5, "connectivity": 2, "independent_channels": False}),
    (2, SMALL, {"min_size": 7, "connectivity": 3}),
    (2, SMALL, {"min_size": 27.0, "by_measure": True}),
    (2, SMALL, {"min_size": 28, "by_measure": True, "connectivity": 4}),
]
APART: list[tuple[int, str, dict[str, Any]]] = [
    (3, KEEP, {}),
    (3, KEEP, {"applied_labels": [0, 1], "is_onehot": True}),
    (3, FILL, {}),
    (3, FILL, {"applied_labels": [0, 2]}),
    (1, KEEP, {}),
    (1, FILL, {}),
    (1, SMALL, {"min_size": 6}),
]


def noisy(seed: int, outputs: int) -> NDArray[np.uint8]:
    """Bodies with holes, and components of all small sizes; no two largest of a label are alike."""
    random = np.random.default_rng(seed)
    found = np.zeros((20, 18, 16), np.uint8)
    for label in range(1, outputs):
        found[random.random(found.shape) < 0.06] = label
    for label in range(1, outputs):
        body = np.s_[2 : 9 + label, 1 + 8 * (label - 1) : 8 * label, 3 : 10 + label]
        found[body] = np.where(random.random(found[body].shape) < 0.05, 0, label)
    return found


def translated(name: str, settings: dict[str, Any], structures: list[Structure], outputs: int, exclusive: bool) -> Any:
    component = Component(name, {"keys": "pred", **settings}, "bundle")
    return cleaning_of([component], "pred", structures, outputs, exclusive=exclusive)


def by_monai(name: str, settings: dict[str, Any], channels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if "min_size" in settings:
        # Objects smaller than it are removed, says MONAI; with scikit-image 0.26 those of just this size are, too.
        one = float(np.prod([1.5, 1.5, 2.0])) if settings.get("by_measure") else 1
        settings = {**settings, "min_size": settings["min_size"] - one}
    made = getattr(transforms, name)("pred", **settings)
    return np.asarray(made({"pred": MetaTensor(channels.copy(), affine=AT)})["pred"]).astype(np.uint8)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("outputs", "name", "settings"), EXCLUSIVE)
def test_labels_are_tidied_as_monai_does(seed: int, outputs: int, name: str, settings: dict[str, Any]) -> None:
    structures = [Structure(name=f"s{at}", label=at, channel=at) for at in range(1, outputs)]
    labels = noisy(seed, outputs)
    theirs = by_monai(name, settings, labels[None])[0]
    steps = translated(name, settings, structures, outputs, exclusive=True)
    ours = cleaned(structures, Marked(Grid(labels.shape, AT), labels, labels), steps).labels
    np.testing.assert_array_equal(ours, theirs)
    assert (theirs != labels).any()


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("outputs", "name", "settings"), APART)
def test_marks_that_may_overlap_are_tidied_as_monai_does(
    seed: int, outputs: int, name: str, settings: dict[str, Any]
) -> None:
    structures = [Structure(name=f"s{at}", label=at + 1, channel=at) for at in range(outputs)]
    channels = np.stack([(noisy(seed + 10 * at, 2) == 1).astype(np.uint8) for at in range(outputs)])
    masks = {one.name: channels[one.channel] for one in structures}
    steps = translated(name, settings, structures, outputs, exclusive=False)
    ours = cleaned(structures, Marked(Grid(channels.shape[1:], AT), channels[0], masks=masks), steps).masks
    theirs = by_monai(name, settings, channels)
    np.testing.assert_array_equal(np.stack([ours[one.name] for one in structures]), theirs)
    assert (theirs != channels).any()


def test_several_transforms_are_steps_in_their_order() -> None:
    structures = [Structure(name="a", label=1, channel=1)]
    tidied = [
        Component(SMALL, {"keys": "pred", "min_size": 4}, "bundle"),
        Component(KEEP, {"keys": ["pred", "other"]}, "bundle"),
    ]
    found = cleaning_of(tidied, "pred", structures, 2, exclusive=True)
    assert found == (Clean(step="remove_small", voxels=4, neighbours=6), Clean(step="keep_largest"))
    assert (
        cleaning_of([Component(SMALL, {"keys": "pred", "min_size": 0}, "b")], "pred", structures, 2, exclusive=True)
        == ()
    )
