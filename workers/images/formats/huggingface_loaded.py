"""Loads and runs what workers.images.formats.huggingface describes. Imports torch and transformers."""

from pathlib import Path
from typing import cast

from torch import Tensor, nn
from transformers import AutoModelForImageClassification

from schemas.errors import RecordError, SpecError
from schemas.status import Status
from workers.contract import ModelCard, Placement
from workers.images.formats.classifier import TorchClassifier
from workers.images.formats.to_tensor import ToTensor
from workers.models.device import set_up
from workers.models.memory import memory_error
from workers.models.pretrained import pretrained


class Logits(nn.Module):
    """A transformers model from images to its logits alone."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) to (N, labels). Raises RecordError where the model refuses images of this shape."""
        try:
            return cast(Tensor, self.model(pixel_values=images).logits)
        except ValueError as error:
            # transformers checks channels and image size so; nothing else of a forward pass depends on the record.
            raise RecordError(Status.OUT_OF_CONTRACT, "the model refuses images of this size or channels") from error


def load(directory: Path, card: ModelCard, placement: Placement) -> TorchClassifier:
    """Load the classifier and its weights. Raises SpecError where they do not fit the card."""
    set_up(placement.threads)
    model = pretrained(AutoModelForImageClassification, directory)
    if model.config.num_labels != len(card.outputs):
        raise SpecError(f"{directory}: the model has {model.config.num_labels} labels, its card {len(card.outputs)}")
    channels = card.channels or getattr(model.config, "num_channels", None)
    with memory_error():
        model.to(placement.device)
    return TorchClassifier(Logits(model), card, ToTensor(placement.affine, placement.device, channels))
