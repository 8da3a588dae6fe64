"""A transformer over events, in both directions or causal, with continuous time.

Layers are those of `torch.nn.TransformerEncoderLayer(norm_first=True, activation="gelu")`, and named like them. What
they do to each event alone runs over all events without padding; attention runs over records of about equal length,
without a mask where they are equal.

Names of weights: `embed.*` (`workers.ehr.events.networks.packed.EventEmbedding`), `time.weight` (width, 2 frequencies a
sinusoid input), `cls`, `layers.N.*`, `norm.*`, `head.*`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal, Self, cast

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from workers.ehr.events.networks.packed import EventEmbedding, PackedHistories, mean_by_record
from workers.ehr.events.networks.settings import EventNetworkConfig
from workers.models.transformer import encoder_layers

SHORTEST_SHARE = 0.9
"""Records share an attention while the shortest has this part of the longest one's events."""

LONGEST_PERIOD_DAYS = 36_525.0
SHORTEST_PERIOD_DAYS = 0.25


class Config(EventNetworkConfig):
    """`embedding` is the width of the transformer. `sinusoids`: of which inputs, all in days, sines and cosines of so
    many `frequencies` are added, periods from six hours to a hundred years in equal ratios. `pooling`: the last event's
    state, the mean of all, or that of a learnt token: before the events, or behind them where attention is causal.
    `dropout` is on all that a layer adds, not on the weights of attention."""

    heads: int = Field(default=4, ge=1, le=1024)
    layers: int = Field(default=2, ge=1, le=256)
    feedforward: int = Field(default=256, ge=1, le=1_000_000)
    causal: bool = False
    pooling: Literal["cls", "last", "mean"] = "cls"
    sinusoids: tuple[Literal["delta", "ago"], ...] = ()
    frequencies: int = Field(default=16, ge=2, le=4096)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.embedding % self.heads:
            raise ValueError(f"embedding {self.embedding} is no multiple of {self.heads} heads")
        absent = [name for name in self.sinusoids if name not in self.inputs]
        if absent:
            raise ValueError(f"sinusoids of {', '.join(absent)}: add it to inputs")
        return self


class CodeTransformer(nn.Module):
    """The transformer that the module describes: `PackedHistories` to (records, num_outputs) logits."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        width = config.embedding
        self.embed = EventEmbedding(config.num_codes, width, config.inputs)
        if config.sinusoids:
            self.time = nn.Linear(2 * config.frequencies * len(config.sinusoids), width, bias=False)
        if config.pooling == "cls":
            self.cls = nn.Parameter(torch.zeros(width))
        self.layers = encoder_layers(config.layers, width, config.heads, config.feedforward, config.dropout)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, config.num_outputs)
        self.dropout = nn.Dropout(config.dropout)

    @property
    def bytes_per_event(self) -> int:
        """What a batch takes for each of its events, about."""
        return 4 * (10 * self.config.embedding + 2 * self.config.feedforward)

    def accelerate(self) -> None:
        """It has one way of running only."""

    def features(self, sequences: PackedHistories) -> Tensor:
        """(records, embedding): the pooled state."""
        x, tokens = self._tokens(sequences)
        groups = list(alike(tokens.lengths))
        for layer in self.layers:
            x = x + self._attend(cast(nn.TransformerEncoderLayer, layer), x, groups)
            x = x + _feed_forward(cast(nn.TransformerEncoderLayer, layer), x)
        if self.config.pooling == "mean":
            return mean_by_record(self.norm(x), tokens)
        at_start = self.config.pooling == "cls" and not self.config.causal
        return cast(Tensor, self.norm(x[tokens.first() if at_start else tokens.last()]))

    def forward(self, sequences: PackedHistories) -> Tensor:
        """Logits."""
        return cast(Tensor, self.head(self.dropout(self.features(sequences))))

    def _tokens(self, sequences: PackedHistories) -> tuple[Tensor, PackedHistories]:
        """Embedded events, and the learnt token if there is one, with their number by record."""
        x = self.dropout(self.embed(sequences))
        if self.config.sinusoids:
            columns = [sequences.columns[name] for name in self.config.sinusoids]
            x = x + self.time(torch.cat([sinusoid(days, self.config.frequencies) for days in columns], dim=1))
        if self.config.pooling != "cls":
            return x, sequences
        longer = PackedHistories(sequences.lengths + 1, x.new_empty(len(x) + sequences.records), {})
        shift = sequences.record() + (0 if self.config.causal else 1)
        places = torch.arange(len(x), device=x.device) + shift
        with_token = self.cls.expand(len(x) + sequences.records, -1).clone()
        return with_token.index_copy_(0, places, x), longer

    def _attend(self, layer: nn.TransformerEncoderLayer, x: Tensor, groups: list[Group]) -> Tensor:
        attention = layer.self_attn
        projected = functional.linear(layer.norm1(x), attention.in_proj_weight, attention.in_proj_bias)
        mixed = torch.empty_like(x)
        for group in groups:
            group.attend(projected, mixed, self.config.heads, self.config.causal)
        return cast(Tensor, layer.dropout1(attention.out_proj(mixed)))


def _feed_forward(layer: nn.TransformerEncoderLayer, x: Tensor) -> Tensor:
    inner = layer.dropout(functional.gelu(layer.linear1(layer.norm2(x))))
    return cast(Tensor, layer.dropout2(layer.linear2(inner)))


def sinusoid(days: Tensor, frequencies: int) -> Tensor:
    """(events, 2 frequencies): sines, then cosines."""
    steps = torch.arange(frequencies, dtype=torch.float32, device=days.device) / (frequencies - 1)
    periods = SHORTEST_PERIOD_DAYS * (LONGEST_PERIOD_DAYS / SHORTEST_PERIOD_DAYS) ** steps
    angles = days[:, None] * (2 * math.pi / periods)
    return torch.cat([torch.sin(angles), torch.cos(angles)], dim=1)


class Group:
    """Records that lie one behind the other and are about as long as each other."""

    def __init__(self, begin: int, lengths: Tensor) -> None:
        self.begin = begin
        self.end = begin + int(lengths.sum())
        self._records, self._longest = len(lengths), int(lengths.max())
        self._there: Tensor | None = None
        if int(lengths.min()) < self._longest:
            self._there = torch.arange(self._longest)[None] < lengths[:, None]

    def attend(self, projected: Tensor, out: Tensor, heads: int, causal: bool) -> None:
        """Attention within each record; `projected` (tokens, 3 width) holds queries, keys and values. Fills `out`."""
        width = out.shape[1]
        flat = projected[self.begin : self.end]
        there = None if self._there is None else self._there.to(flat.device)
        shape = (self._records, self._longest, 3 * width)
        if there is not None:
            flat = flat.new_zeros(shape).masked_scatter_(there[..., None], flat)
        split = flat.view(*shape[:2], 3, heads, width // heads).permute(2, 0, 3, 1, 4)
        # Behind the last event there is only padding, which a causal attention never sees.
        mask = None if there is None or causal else there[:, None, None, :]
        mixed = functional.scaled_dot_product_attention(split[0], split[1], split[2], attn_mask=mask, is_causal=causal)
        mixed = mixed.transpose(1, 2).reshape(*shape[:2], width)
        out[self.begin : self.end] = mixed.view(-1, width) if there is None else mixed[there]


def alike(lengths: Tensor) -> Iterator[Group]:
    """Neighbouring records whose lengths differ little. Few groups if records come by length."""
    counts = lengths.tolist()
    begin, start = 0, 0
    least = most = counts[0] if counts else 0
    for record, count in enumerate(counts):
        least, most = min(least, count), max(most, count)
        if least < SHORTEST_SHARE * most:
            group = Group(begin, lengths[start:record])
            yield group
            begin, start, least, most = group.end, record, count, count
    if counts:
        yield Group(begin, lengths[start:])


build = CodeTransformer
