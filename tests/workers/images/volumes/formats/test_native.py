"""Our own directory for volumes: the card, members and their mean, windows that fit, clear errors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.inferers import sliding_window_inference
from torch import Tensor, nn

from schemas.errors import RecordError, SpecError
from schemas.status import Status
from workers.contract import ModelCard, Placement
from workers.images.volumes.card import volume_card
from workers.images.volumes.formats.native import FORMAT
from workers.images.volumes.networks.res_unet import Config, build
from workers.models.detect import describe

SETTINGS = {"in_channels": 1, "num_outputs": 3, "channels": [4, 8], "strides": [[2, 2, 2]]}
NAMED = {"network": "res_unet", "settings": SETTINGS}


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return build(Config.model_validate(SETTINGS)).eval()


def loaded(directory: Path) -> Any:
    return FORMAT.load(directory, FORMAT.describe(directory), Placement("cpu", 1))


def windows(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(1))


def test_the_card_says_what_the_directory_says(volume_directory: Callable[..., Path]) -> None:
    more = {"prepare": [{"orient": {"to": "RAS"}}], "value_range": [0, 1], "air_below": 0.0}
    kind, card = describe(volume_directory(network().state_dict(), **NAMED, **more), "images")
    volume = volume_card(card)
    assert (kind, card.format, card.channels, card.value_range) == ("volume", "volume", 1, (0, 1))
    assert card.prepare == ({"orient": {"to": "RAS"}},)
    assert volume is not None
    assert [(one.name, one.label, one.channel) for one in volume.structures] == [
        ("anterior", 1, 1),
        ("posterior", 2, 2),
    ]
    assert (volume.task, volume.outputs, volume.activation, volume.air_below) == ("segmentation", 3, "softmax", 0.0)
    assert volume.windows is not None
    assert volume.windows.roi == (16, 16, 16)


def test_a_model_on_single_images_has_no_card_of_volumes() -> None:
    assert volume_card(ModelCard("native", ())) is None


def test_structures_that_may_overlap_count_from_one_and_coded_ones_are_kept(
    volume_directory: Callable[..., Path],
) -> None:
    head = {"activation": "sigmoid", "labels": ["Whole tumour", "Background", "Kern"]}
    volume = volume_card(FORMAT.describe(volume_directory(network().state_dict(), **NAMED, head=head)))
    assert volume is not None
    assert [(one.name, one.label, one.channel) for one in volume.structures] == [
        ("Whole_tumour", 1, 0),
        ("Kern", 2, 2),
    ]
    code = {"scheme": "SCT", "value": "10200004", "meaning": "Liver"}
    given = [{"name": "liver", "label": 6, "channel": 2, "code": code}]
    volume = volume_card(FORMAT.describe(volume_directory(network().state_dict(), **NAMED, structures=given)))
    assert volume is not None
    (liver,) = volume.structures
    assert liver.model_dump(mode="json") == given[0]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"head": {"activation": "softmax", "labels": ["a", "b", "c"]}}, "first is 'background', not 'a'"),
        ({"head": {"activation": "softmax", "labels": ["background", "a b", "a-b"]}}, "two labels both give .*'a_b'"),
        ({"head": {"activation": "sigmoid", "labels": ["4th", "b", "c"]}}, "label '4th' makes no column name"),
        ({"head": {"activation": "softmax", "labels": ["background", "a"]}}, "num_outputs differs"),
        ({"network": "monai.Unet"}, "network 'monai.Unet' is unknown, did you mean 'monai.UNet'"),
        ({"structures": [{"name": "a", "label": 1, "channel": 3}]}, "a channel that the network does not have"),
        ({"windows": {"roi": [16, 16]}}, "windows.roi.2: is missing"),
        ({"task": "classification", "structures": [{"name": "a", "label": 1, "channel": 1}]}, "of a segmentation"),
        ({"outputs": [{"name": "a", "type": "float32", "meaning": ""}]}, "columns of a classification"),
        ({"task": "regression"}, "task: must be 'segmentation' or 'classification'"),
        ({"mean": "probabilities", "head": {"activation": "none", "labels": ["background", "b", "c"]}}, "needs an act"),
    ],
)
def test_a_wrong_config_is_refused_before_torch(
    volume_directory: Callable[..., Path], keys: dict[str, Any], said: str
) -> None:
    with pytest.raises(SpecError, match=said):
        FORMAT.describe(volume_directory(network().state_dict(), **{**NAMED, **keys}))


def test_several_members_must_say_which_mean(volume_directory: Callable[..., Path]) -> None:
    weights = [network(seed).state_dict() for seed in range(2)]
    with pytest.raises(SpecError, match="several members need 'mean': logits or probabilities"):
        FORMAT.describe(volume_directory(*weights, **NAMED))


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
@pytest.mark.parametrize("mean", ["logits", "probabilities"])
def test_members_are_the_mean_of_what_the_config_says(
    volume_directory: Callable[..., Path], mean: str, activation: str
) -> None:
    members = [network(seed) for seed in range(3)]
    head = {"activation": activation, "labels": ["background", "b", "c"]}
    weights = [one.state_dict() for one in members]
    model = loaded(volume_directory(*weights, **NAMED, mean=mean, head=head))
    given = windows(2, 1, 16, 16, 16) * 40
    softmax, sigmoid = (lambda one: one.double().softmax(1)), (lambda one: one.double().sigmoid())
    activate = softmax if activation == "softmax" else sigmoid
    with torch.inference_mode():
        logits = torch.stack([one(given) for one in members])
        expected = activate(logits.mean(0)) if mean == "logits" else torch.stack([*map(activate, logits)]).mean(0)
    torch.testing.assert_close(activate(model.forward(given)), expected, rtol=0, atol=1e-6)


def test_probabilities_of_zero_and_one_give_finite_logits(volume_directory: Callable[..., Path]) -> None:
    weights = [network(seed).state_dict() for seed in range(2)]
    weights[0]["out.bias"] += torch.tensor([1e4, -1e4, 0])
    model = loaded(volume_directory(*weights, **NAMED, mean="probabilities"))
    assert model.forward(windows(1, 1, 16, 16, 16)).isfinite().all()


def test_a_volume_in_windows_is_marked_as_monai_s_sliding_window_marks_it(
    volume_directory: Callable[..., Path],
) -> None:
    model = loaded(volume_directory(network().state_dict(), **NAMED))
    volume = windows(1, 1, 20, 27, 33)
    with torch.inference_mode():
        ours = sliding_window_inference(volume, (16, 16, 16), 4, model.forward, 0.5, "gaussian")
        theirs = sliding_window_inference(volume, (16, 16, 16), 4, network(), 0.5, "gaussian")
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)


@pytest.mark.parametrize("given", [(1, 2, 16, 16, 16), (1, 1, 15, 16, 16)])
def test_windows_that_do_not_fit_are_out_of_contract(
    volume_directory: Callable[..., Path], given: tuple[int, ...]
) -> None:
    with pytest.raises(RecordError) as error:
        loaded(volume_directory(network().state_dict(), **NAMED)).forward(windows(*given))
    assert error.value.status is Status.OUT_OF_CONTRACT


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"windows": {"roi": [15, 16, 16]}}, "takes no window of 15 x 16 x 16 voxels: correct windows.roi"),
        ({"settings": {**SETTINGS, "channels": [4, 6]}}, "of another shape"),
        ({"settings": {**SETTINGS, "depth": 3}}, "unknown key 'depth'"),
    ],
)
def test_what_does_not_fit_the_network_is_told_when_it_is_loaded(
    volume_directory: Callable[..., Path], keys: dict[str, Any], said: str
) -> None:
    with pytest.raises(SpecError, match=said):
        loaded(volume_directory(network().state_dict(), **{**NAMED, **keys}))


def test_a_network_that_gives_no_label_of_the_whole_is_no_classification(volume_directory: Callable[..., Path]) -> None:
    model = loaded(volume_directory(network().state_dict(), **NAMED, task="classification", windows=None))
    with pytest.raises(SpecError, match=r"gives 5 dimensions, a classification has 2: correct task"):
        model.forward(windows(1, 1, 16, 16, 16))


def test_labels_of_a_classification_are_columns(volume_directory: Callable[..., Path]) -> None:
    settings = {"in_channels": 1, "num_outputs": 2, "channels": [4], "strides": [2], "size": [16, 16, 16]}
    head = {"activation": "sigmoid", "labels": ["Bleeding", "Fracture"]}
    keys = {"task": "classification", "network": "monai.Classifier", "settings": settings, "head": head}
    card = FORMAT.describe(volume_directory({}, **keys, windows=None))
    assert [one.name for one in card.outputs] == ["score_bleeding", "score_fracture"]
    volume = volume_card(card)
    assert volume is not None
    assert volume.labels == ("Bleeding", "Fracture")
