"""Attention over many texts laid end to end: no padding is computed anywhere, and no mask is needed.

A batch of texts of 9, 9 and 70 tokens is one row of 88 tokens. Everything but attention works on single tokens and
does not notice. Attention is given where the texts lie (`segments`) and takes those of one length together, as an
ordinary batch. transformers finds this function by its name.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface

NAME = "wardround_packed"

MODEL_TYPES = frozenset({"bert", "roberta", "xlm-roberta", "camembert", "distilbert", "electra"})
"""Encoders of transformers in which tokens meet in attention only, and whose heads read the first token or each."""

Segment = tuple[int, int, int]
"""(first token, texts, tokens a text)"""


def segments_of(lengths: Sequence[int]) -> list[Segment]:
    """Runs of texts of one length. Sorted by length there are fewest."""
    found, start = [], 0
    for length, run in groupby(lengths):
        texts = sum(1 for _ in run)
        found.append((start, texts, length))
        start += texts * length
    return found


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    segments: Sequence[Segment] = (),
    **other: Any,
) -> tuple[Tensor, None]:
    """(1, heads, tokens, width) each to (1, tokens, heads, width): every text attends to itself alone."""
    _, heads, tokens, width = query.shape
    out = query.new_empty((1, tokens, heads, width))
    for start, texts, length in segments or ((0, 1, tokens),):
        part = slice(start, start + texts * length)
        # The texts become the batch, so that none sees a token of another.
        parts = [x[0, :, part].reshape(heads, texts, length, width).transpose(0, 1) for x in (query, key, value)]
        seen = functional.scaled_dot_product_attention(parts[0], parts[1], parts[2], scale=scaling)
        out[0, part] = seen.transpose(1, 2).reshape(texts * length, heads, width)
    return out, None


def no_mask(*given: Any, **named: Any) -> None:
    """Packed texts need none."""


def positions(ids: Tensor, lengths: Sequence[int], padding_idx: int | None) -> Tensor:
    """(1, tokens) position of each token in its text, from 0; RoBERTa's start behind `padding_idx` and skip padding."""
    if padding_idx is None:
        return torch.cat([torch.arange(length) for length in lengths])[None].to(ids.device)
    real = [part != padding_idx for part in torch.split(ids[0], list(lengths))]
    return torch.cat([torch.cumsum(part, 0) * part + padding_idx for part in real])[None]


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, no_mask)
