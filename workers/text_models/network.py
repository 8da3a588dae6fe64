"""A transformers model that takes windows of token numbers, in the layout that wastes least. Imports torch.

On a CPU the encoders that `workers.text_models.packed` knows run packed. Everything else runs padded to the longest
window of its batch, with a mask only where lengths differ.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import torch
from torch import Tensor
from transformers import AutoModel, AutoModelForSequenceClassification, AutoModelForTokenClassification

from schemas.errors import SpecError
from workers.contract import ModelCard, Placement
from workers.models.device import set_up
from workers.models.memory import memory_error
from workers.models.memory_ladder import MemoryLadder
from workers.models.pretrained import pretrained
from workers.text_models.packed import MODEL_TYPES, NAME, positions, segments_of
from workers.text_models.tokenized import Gives, Tokens

T = TypeVar("T")

BUDGET = {"cpu": 1024, "cuda": 16384}
"""Tokens in a batch. On a CPU what stays in its caches is fastest: see docs/decisions.md."""

_CLASSES = {
    "texts": AutoModelForSequenceClassification,
    "tokens": AutoModelForTokenClassification,
    "states": AutoModel,
}
_POSITIONS_BEHIND_PADDING = frozenset({"roberta", "xlm-roberta", "camembert"})
_SELF_CHECK = (5, 3, 3)
_SELF_CHECK_TOLERANCE = 1e-4


class TextNetwork:
    """Runs windows of any lengths through one model, batch by batch."""

    def __init__(self, model: Any, gives: Gives, device: str, budget: int) -> None:
        self.model = model
        self.gives = gives
        self._device = torch.device(device)
        self._padding = int(getattr(model.config, "pad_token_id", None) or 0)
        self._firsts: list[int] | None = None
        self.packed = device == "cpu" and model.config.model_type in MODEL_TYPES and self._packs()
        self.ladder = MemoryLadder(budget, padded=not self.packed)
        """Its budget is in tokens."""

    def run(self, windows: Sequence[Tokens], finish: Callable[[Tensor, list[int]], Sequence[T]]) -> list[T]:
        """One value a window, in order.

        `finish` makes them of a batch: it gets (texts, labels), or (tokens, width) of its windows end to end without
        padding, and the windows' lengths. Raises MemoryError where one window is too much for the device.
        """
        lengths = [len(window) for window in windows]

        def forward(batch: list[int]) -> Sequence[T]:
            with torch.inference_mode():
                sizes = [lengths[i] for i in batch]
                return finish(self._outputs([windows[i] for i in batch]), sizes)

        return self.ladder.run_each(lengths, forward)

    def _outputs(self, windows: Sequence[Tokens]) -> Tensor:
        return self._packed(windows) if self.packed else self._padded(windows)

    def _packed(self, windows: Sequence[Tokens]) -> Tensor:
        lengths = [len(window) for window in windows]
        ids = torch.from_numpy(np.concatenate(windows).astype(np.int64))[None].to(self._device)
        behind = self._padding if self.model.config.model_type in _POSITIONS_BEHIND_PADDING else None
        self._firsts = np.cumsum([0, *lengths[:-1]]).tolist()
        answer = self.model(input_ids=ids, position_ids=positions(ids, lengths, behind), segments=segments_of(lengths))
        return self._wanted(answer) if self.gives == "texts" else self._wanted(answer)[0]

    def _padded(self, windows: Sequence[Tokens]) -> Tensor:
        lengths = [len(window) for window in windows]
        ids = torch.full((len(windows), max(lengths)), self._padding)
        for row, window in zip(ids, windows, strict=True):
            row[: len(window)] = torch.from_numpy(window.astype(np.int64))
        ids = ids.to(self._device)
        real = torch.arange(ids.shape[1], device=ids.device) < torch.tensor(lengths, device=ids.device)[:, None]
        equal = min(lengths) == max(lengths)
        answer = self._wanted(self.model(input_ids=ids, attention_mask=None if equal else real.long()))
        if self.gives == "texts":
            return answer
        return answer.flatten(0, 1) if equal else answer[real]

    def _wanted(self, answer: Any) -> Tensor:
        return cast(Tensor, answer.last_hidden_state if self.gives == "states" else answer.logits)

    def _packs(self) -> bool:
        """Switch to the packed layout; and back, if this version of transformers answers otherwise with it."""
        top = min(self.model.config.vocab_size, 1000)
        chance = np.random.default_rng(0)
        windows = [chance.integers(top // 2, top, length).astype(np.int32) for length in _SELF_CHECK]
        before = self.model.config._attn_implementation
        with torch.inference_mode():
            wanted = self._padded(windows)
            self.model.set_attn_implementation(NAME)
            hook = self.model.base_model.register_forward_hook(self._first_tokens) if self.gives == "texts" else None
            found = self._packed(windows)
        scale = max(1.0, float(wanted.abs().max()))
        if found.shape == wanted.shape and float((found - wanted).abs().max()) <= _SELF_CHECK_TOLERANCE * scale:
            return True
        self.model.set_attn_implementation(before)
        if hook is not None:
            hook.remove()
        return False

    def _first_tokens(self, base: Any, given: Any, answer: Any) -> Any:
        """Show a head that reads the first token those of all texts, each as a text of one token."""
        answer.last_hidden_state = answer.last_hidden_state[0, self._firsts][:, None]
        if getattr(base, "pooler", None) is not None:
            answer.pooler_output = base.pooler(answer.last_hidden_state)
        return answer


def load_network(directory: Path, card: ModelCard, gives: Gives, placement: Placement) -> TextNetwork:
    """The model in float32. Raises SpecError if weights are missing or do not fit the configuration.

    `card.settings["labels"]`, where there are any, are the outputs of the head.
    """
    set_up(placement.threads)
    model = pretrained(_CLASSES[gives], directory, may_lack="pooler." if gives == "states" else "")
    labels = card.settings.get("labels")
    if labels is not None and model.config.num_labels != len(labels):
        raise SpecError(f"{directory}: the model has {model.config.num_labels} labels, its card {len(labels)}")
    device = placement.device
    with memory_error():
        model.to(device)
    return TextNetwork(model, gives, device, int(card.settings.get("batch_tokens") or BUDGET[device]))
