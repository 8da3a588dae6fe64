"""A torch network behind the contract of a model, by hand: its logits are sums of pixels."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from schemas.outputs import OutputField
from workers.contract import Affine, ModelCard
from workers.images.formats.classifier import TorchClassifier
from workers.images.formats.to_tensor import ToTensor


class Sums(nn.Module):
    """Logits: the sum over the image, and the value in its first corner. Remembers how its batches were laid out."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)
        self.channels_last: list[bool] = []

    def forward(self, images: Tensor) -> Tensor:
        self.channels_last.append(images.is_contiguous(memory_format=torch.channels_last))
        return torch.stack([images.sum((1, 2, 3)), images[:, 0, 0, 0]], 1)


class Full(nn.Module):
    """A network for which the device has no memory."""

    def forward(self, images: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("out of memory")


def classifier(network: nn.Module, activation: str = "none", affine: Affine | None = None) -> TorchClassifier:
    fields = tuple(OutputField(name=f"score_{name}", type="float32", meaning=name) for name in ("sum", "corner"))
    card = ModelCard("x", fields, settings={"activation": activation})
    return TorchClassifier(network, card, ToTensor(affine, "cpu", None))


IMAGES = [np.full((2, 4, 3), number, np.uint8) for number in (1, 2)]


@pytest.mark.parametrize("channels_last", [True, False])
def test_scores_come_by_column_in_the_order_of_the_images_in_either_layout(channels_last: bool) -> None:
    network = Sums()
    model = classifier(network)
    model.configure(channels_last)
    found = model.forward(IMAGES)
    assert (found["score_sum"].tolist(), found["score_corner"].tolist()) == ([24.0, 48.0], [1.0, 2.0])
    assert found["score_sum"].dtype == np.float32
    assert network.channels_last == [channels_last]
    assert network.conv.weight.is_contiguous(memory_format=torch.channels_last)


def test_channels_last_is_where_it_begins() -> None:
    assert classifier(Sums()).channels_last


def test_the_last_steps_and_the_activation_are_done_on_the_device() -> None:
    found = classifier(Sums(), "sigmoid", Affine(1.0, (1.0,), (1.0,))).forward(IMAGES)
    np.testing.assert_allclose(found["score_corner"], [0.5, 1 / (1 + np.exp(-1))], rtol=1e-6)


def test_only_equal_shapes_and_types_share_a_batch() -> None:
    model = classifier(Sums())
    assert model.batch_key(IMAGES[0]) == model.batch_key(IMAGES[1])
    assert model.batch_key(IMAGES[0]) != model.batch_key(IMAGES[0].astype(np.int16))
    assert model.batch_key(IMAGES[0]) != model.batch_key(IMAGES[0][:1])


def test_a_device_without_memory_is_a_memory_error_so_that_less_can_be_tried() -> None:
    with pytest.raises(MemoryError):
        classifier(Full()).forward(IMAGES)


def test_what_an_image_needs_grows_as_the_largest_layer_does() -> None:
    network = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 2))
    card = classifier(Sums()).outputs
    model = TorchClassifier(
        network, ModelCard("x", card, settings={"activation": "none"}), ToTensor(None, "cpu", channels=1)
    )
    image = np.zeros((100, 200), np.uint8)
    # The copy in float32, what the convolution is given, and the sixteen channels that it gives.
    assert model.bytes_needed(image) == 4 * image.size * (1 + 1 + 16)


def test_a_network_of_one_size_needs_what_the_image_does() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(9, 2))
    model = TorchClassifier(
        network, ModelCard("x", classifier(Sums()).outputs, settings={"activation": "none"}), ToTensor(None, "cpu", 1)
    )
    assert model.bytes_needed(np.zeros((3, 3), np.float32)) == 4 * 9
