"""Words of a note to logits: embedding, LSTM or GRU in one direction or both, pooling over time, linear.

Names of weights: `embedding.weight`, `rnn.*` as in `torch.nn.LSTM` or `torch.nn.GRU`, `attention.projection.*` and
`attention.context` where the pooling is attention, `classifier.*`.

Poolings over the states of a note's words, of both directions side by side:
    last       the state after the last word, of the backward direction that after the first
    mean, max  over all words
    attention  sum of a_t h_t, a = softmax over words of context . tanh(projection h_t) (Yang et al., "Hierarchical
               Attention Networks for Document Classification", NAACL 2016)
"""

from typing import Literal, cast

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from schemas.frozen import Frozen


class Config(Frozen):
    """`words` counts the rows of the embedding: the vocabulary, and the two of padding and unknown words. `dropout` is
    for training, of embedded words and of what is pooled: it changes no score.
    """

    words: int = Field(ge=3, le=10_000_000)
    num_outputs: int = Field(ge=1, le=1_000_000)
    cell: Literal["lstm", "gru"] = "lstm"
    embedding: int = Field(default=128, ge=1, le=8192)
    hidden: int = Field(default=128, ge=1, le=8192)
    layers: int = Field(default=1, ge=1, le=16)
    bidirectional: bool = False
    pooling: Literal["last", "mean", "max", "attention"] = "last"
    attention: int = Field(default=64, ge=1, le=8192)
    dropout: float = Field(default=0.0, ge=0, lt=1)


class Attention(nn.Module):
    """(N, T, width) states to (N, width): a weighted mean over the words of each note."""

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        self.projection = nn.Linear(width, size)
        self.context = nn.Parameter(torch.randn(size) * 0.1)

    def forward(self, states: Tensor, padding: Tensor) -> Tensor:
        scores = torch.tanh(self.projection(states)) @ self.context
        weights = torch.softmax(scores.masked_fill(padding, -torch.inf), dim=1)
        return (weights[:, None] @ states)[:, 0]


class WordRnn(nn.Module):
    """Packed word numbers of N notes to (N, num_outputs) logits, in the order of the notes before packing."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.pooling = config.pooling
        self.embedding = nn.Embedding(config.words, config.embedding, padding_idx=0)
        kind = nn.LSTM if config.cell == "lstm" else nn.GRU
        self.rnn = kind(
            config.embedding,
            config.hidden,
            config.layers,
            batch_first=True,
            bidirectional=config.bidirectional,
        )
        width = config.hidden * (2 if config.bidirectional else 1)
        if config.pooling == "attention":
            self.attention = Attention(width, config.attention)
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Linear(width, config.num_outputs)

    def forward(self, words: PackedSequence) -> Tensor:
        states, ends = self.rnn(words._replace(data=self.dropout(self.embedding(words.data))))
        if self.pooling == "last":
            last = ends[0] if isinstance(ends, tuple) else ends
            directions = 2 if self.rnn.bidirectional else 1
            pooled = torch.cat(list(last[-directions:]), dim=1)
        else:
            pooled = self._over_words(*pad_packed_sequence(states, batch_first=True))
        return cast(Tensor, self.classifier(self.dropout(pooled)))

    def _over_words(self, states: Tensor, lengths: Tensor) -> Tensor:
        places = torch.arange(states.shape[1], device=states.device)
        padding = places >= lengths.to(states.device)[:, None]
        if self.pooling == "attention":
            return cast(Tensor, self.attention(states, padding))
        if self.pooling == "max":
            return states.masked_fill(padding[..., None], -torch.inf).amax(1)
        # Padded states are zeros.
        return states.sum(1) / lengths.to(states.device, states.dtype)[:, None]


build = WordRnn
