"""Loads and runs what workers.images.formats.huggingface describes. Imports torch and transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import AutoModelForImageClassification
from transformers.utils.logging import disable_progress_bar

from schemas.errors import RecordError, SpecError
from schemas.status import Status
from workers.contract import Affine, ModelCard
from workers.images.formats.classifier import TorchClassifier
from workers.models.device import ToTensor, memory_error, set_up


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


def load(directory: Path, card: ModelCard, affine: Affine | None, device: str, threads: int) -> TorchClassifier:
    """See workers.images.formats.huggingface.load."""
    set_up(threads)
    model = pretrained(AutoModelForImageClassification, directory)
    if model.config.num_labels != len(card.outputs):
        raise SpecError(f"{directory}: the model has {model.config.num_labels} labels, its card {len(card.outputs)}")
    channels = card.channels or getattr(model.config, "num_channels", None)
    with memory_error():
        model.to(device)
    return TorchClassifier(Logits(model), card, ToTensor(affine, device, channels))


def pretrained(kind: Any, directory: Path, may_lack: str = "") -> Any:
    """The model as the `AutoModel...` class loads it, refusing what it only warns of: weights drawn at random.

    `may_lack` begins the names of tensors that are not used and may therefore be absent.
    """
    disable_progress_bar()
    try:
        model, report = kind.from_pretrained(
            str(directory),
            trust_remote_code=False,
            use_safetensors=True,
            local_files_only=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError, ImportError) as error:
        reason = str(error).strip().partition("\n")[0][:300]
        raise SpecError(f"{directory}: transformers cannot load it ({reason})") from error
    missing = sorted(name for name in report["missing_keys"] if not may_lack or not name.startswith(may_lack))
    if missing:
        raise SpecError(f"{directory}: the weights lack {len(missing)} tensors of the model, the first {missing[0]!r}")
    return model.eval().requires_grad_(False)
