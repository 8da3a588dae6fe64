"""A transformers model that takes windows of token numbers, in the layout that wastes least. Imports torch.

On a CPU the encoders that `workers.text_models.packed` knows run packed. Everything else runs padded to the longest
window of its batch, with a mask only where lengths differ.

There are models whose answer for a text changes with what lies beside it (XLNet's head reads the last place, ConvBERT's
convolutions read padding, BigBird chooses its attention by the length of the batch), and none says so. So made windows
go through at load, alone and together, and a layout in which one of them gets another answer than alone is not taken.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

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

IDS, MASK = "input_ids", "attention_mask"
"""By which name models of transformers take them."""

BUDGET = {"cpu": 1024, "cuda": 16384}
"""Tokens in a batch. On a CPU what stays in its caches is fastest: see docs/decisions.md."""

Layout = Literal["packed", "padded", "equal", "single"]
"""How windows go through: end to end, filled up with padding, those of one length together, or each by itself."""

CLASSES = {
    "texts": AutoModelForSequenceClassification,
    "tokens": AutoModelForTokenClassification,
    "states": AutoModel,
}
_POSITIONS_BEHIND_PADDING = frozenset({"roberta", "xlm-roberta", "camembert"})
_BLOCKS = "block_sparse"
"""BigBird's attention: a short batch makes the model give it up for good, a long one pads short texts into it."""
_PROBES = (3, 3, 5, 9, 70)
"""Lengths of the made windows."""
_TOLERANCE = 1e-5
"""In units of an answer's largest number, or of 1. Rounding is a tenth; a refusal costs time only."""
_REFUSALS = (RuntimeError, ValueError, TypeError, IndexError, KeyError, AttributeError, AssertionError)
"""What models of transformers raise at lengths, masks or batches that they cannot take."""


class TextNetwork:
    """Runs windows of any lengths through one model, batch by batch. Padded, until `settle` has found what is right."""

    def __init__(self, model: Any, gives: Gives, device: str, budget: int) -> None:
        self.model = model
        self.gives = gives
        self.layout: Layout = "padded"
        self.ladder = MemoryLadder(budget, padded=True)
        """Its budget is in tokens."""
        self._device = torch.device(device)
        self._padding = int(getattr(model.config, "pad_token_id", None) or 0)
        self._blocks = getattr(model.config, "attention_type", None) == _BLOCKS
        self._firsts: list[int] | None = None
        self._unpack: Callable[[], None] | None = None

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

    def settle(self, where: str) -> None:
        """Take the first layout in which every made window has the answer that it has alone.

        Raises SpecError, which begins with `where`, for a model without such a layout.
        """
        kind, windows = self.model.config.model_type, self._made_windows()
        alone = self._attempt("single", windows)
        if isinstance(alone, str):
            raise SpecError(
                f"{where}: a {kind!r} model with these settings does not take texts of every length in transformers "
                f"({alone}): use a model that does"
            )
        for layout in self._candidates():
            found = self._attempt(layout, windows)
            if not isinstance(found, str) and _is_same(found, alone):
                break
        else:
            raise SpecError(
                f"{where}: this {kind!r} model gives a text another answer each time in transformers: use a model "
                "whose answers can be made again"
            )
        self.ladder.padded = self.layout != "packed"

    def _candidates(self) -> Iterator[Layout]:
        """What may be right, the fastest first."""
        if self._device.type == "cpu" and self.model.config.model_type in MODEL_TYPES:
            yield "packed"
        if not self._blocks:
            yield "padded"
        yield from ("equal", "single")

    def _attempt(self, layout: Layout, windows: Sequence[Tokens]) -> Tensor | str:
        """The answers in this layout, which stays; or what the model says against it."""
        if self._unpack is not None:
            self._unpack()
            self._unpack = None
        self.layout = layout
        try:
            with torch.inference_mode(), memory_error():
                if layout == "packed":
                    self._unpack = self._pack()
                return self._outputs(windows)
        except _REFUSALS as error:
            return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:200]}"

    def _made_windows(self) -> list[Tokens]:
        """Windows of tokens that mean nothing in particular, as long as the model has places for."""
        config = self.model.config
        top = min(config.vocab_size, 1000)
        special = {self._padding, *(getattr(config, f"{name}_token_id", None) for name in ("bos", "eos", "sep", "cls"))}
        ordinary = [number for number in range(top // 2, top) if number not in special] or [top - 1]
        table = getattr(config, "max_position_embeddings", None)
        # RoBERTa and its kin never use the places up to the padding's number; XLNet says -1.
        longest = table - self._padding - 1 if isinstance(table, int) and table > 0 else max(_PROBES)
        chance = np.random.default_rng(0)
        return [chance.choice(ordinary, max(1, min(length, longest))).astype(np.int32) for length in _PROBES]

    def _outputs(self, windows: Sequence[Tokens]) -> Tensor:
        if self.layout == "packed":
            return self._packed(windows)
        if self.layout == "padded":
            return self._padded(windows)
        groups = [list(run) for _, run in groupby(windows, key=len)]
        if self.layout == "single":
            groups = [[window] for group in groups for window in group]
        return torch.cat([self._padded(group) for group in groups])

    def _packed(self, windows: Sequence[Tokens]) -> Tensor:
        lengths = [len(window) for window in windows]
        ids = torch.from_numpy(np.concatenate(windows).astype(np.int64))[None].to(self._device)
        behind = self._padding if self.model.config.model_type in _POSITIONS_BEHIND_PADDING else None
        self._firsts = np.cumsum([0, *lengths[:-1]]).tolist()
        answer = self.model(input_ids=ids, position_ids=positions(ids, lengths, behind), segments=segments_of(lengths))
        return self._wanted(answer) if self.gives == "texts" else self._wanted(answer)[0]

    def _padded(self, windows: Sequence[Tokens]) -> Tensor:
        given = {name: tensor.to(self._device) for name, tensor in filled_up(windows, self._padding).items()}
        if self._blocks:
            # A short batch before this one may have switched it.
            self.model.base_model.set_attention_type(_BLOCKS)
        answer = self._wanted(self.model(**given))
        if self.gives == "texts":
            return answer
        return answer[given[MASK].bool()] if MASK in given else answer.flatten(0, 1)

    def _wanted(self, answer: Any) -> Tensor:
        return cast(Tensor, answer.last_hidden_state if self.gives == "states" else answer.logits)

    def _pack(self) -> Callable[[], None]:
        """Switch to the packed layout; what is returned switches back."""
        before = self.model.config._attn_implementation
        self.model.set_attn_implementation(NAME)
        hook = self.model.base_model.register_forward_hook(self._first_tokens) if self.gives == "texts" else None

        def undo() -> None:
            self.model.set_attn_implementation(before)
            if hook is not None:
                hook.remove()

        return undo

    def _first_tokens(self, base: Any, given: Any, answer: Any) -> Any:
        """Show a head that reads the first token those of all texts, each as a text of one token."""
        answer.last_hidden_state = answer.last_hidden_state[0, self._firsts][:, None]
        if getattr(base, "pooler", None) is not None:
            answer.pooler_output = base.pooler(answer.last_hidden_state)
        return answer


def filled_up(windows: Sequence[Tokens], padding: int) -> dict[str, Tensor]:
    """What a model of transformers takes of these windows: (windows, longest) token numbers, and a mask where lengths
    differ; of masks some models know nothing."""
    lengths = [len(window) for window in windows]
    ids = torch.full((len(windows), max(lengths)), padding)
    for row, window in zip(ids, windows, strict=True):
        row[: len(window)] = torch.from_numpy(window.astype(np.int64))
    if min(lengths) == max(lengths):
        return {IDS: ids}
    return {IDS: ids, MASK: (torch.arange(ids.shape[1]) < torch.tensor(lengths)[:, None]).long()}


def load_network(directory: Path, card: ModelCard, gives: Gives, placement: Placement) -> TextNetwork:
    """The model in float32, in the layout that is right for it.

    Raises SpecError if weights are missing or do not fit the configuration, or where no layout is right.
    `card.settings["labels"]`, where there are any, are the outputs of the head.
    """
    set_up(placement.threads)
    model = pretrained(CLASSES[gives], directory, may_lack="pooler." if gives == "states" else "")
    labels = card.settings.get("labels")
    if labels is not None and model.config.num_labels != len(labels):
        raise SpecError(f"{directory}: the model has {model.config.num_labels} labels, its card {len(labels)}")
    device = placement.device
    with memory_error():
        model.to(device)
    network = TextNetwork(model, gives, device, int(card.settings.get("batch_tokens") or BUDGET[device]))
    network.settle(str(directory))
    return network


def _is_same(found: Tensor, wanted: Tensor) -> bool:
    bound = _TOLERANCE * max(1.0, float(wanted.abs().nan_to_num().max()))
    return found.shape == wanted.shape and bool(torch.isclose(found, wanted, 0, bound, equal_nan=True).all())
