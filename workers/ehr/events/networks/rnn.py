"""GRU or LSTM over events: embedding of code, value and time differences, recurrent layers, one pooled state, linear.

Names of weights: `embed.*` (`workers.ehr.events.networks.packed.EventEmbedding`), `rnn.*` (those of `torch.nn.GRU` or
`LSTM`), `attention.weight` and `attention.bias` where the pooling is attention, `head.weight`, `head.bias`.
"""

from typing import Literal, cast

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from workers.ehr.events.networks.packed import (
    EventEmbedding,
    PackedHistories,
    mean_by_record,
    softmax_by_record,
    sum_by_record,
)
from workers.ehr.events.networks.recurrent import RecurrentStack
from workers.ehr.events.networks.settings import EventNetworkConfig
from workers.ehr.events.networks.slots import one_each
from workers.ehr.events.networks.stepped import stepped, takes


class Config(EventNetworkConfig):
    """`pooling`: the state after the last event (of both directions); the mean of all; their sum weighted by a softmax
    over `attention(state)`."""

    cell: Literal["gru", "lstm"] = "gru"
    hidden: int = Field(default=128, ge=1, le=65_536)
    layers: int = Field(default=1, ge=1, le=64)
    bidirectional: bool = False
    pooling: Literal["last", "mean", "attention"] = "last"


class EventRnn(nn.Module):
    """`PackedHistories` to (records, num_outputs) logits, as torch runs it. `accelerate` makes it faster on a CPU."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.embed = EventEmbedding(config.num_codes, config.embedding, config.inputs)
        kind = nn.GRU if config.cell == "gru" else nn.LSTM
        self.rnn = kind(
            config.embedding,
            config.hidden,
            config.layers,
            dropout=config.dropout if config.layers > 1 else 0.0,
            bidirectional=config.bidirectional,
        )
        width = config.hidden * (2 if config.bidirectional else 1)
        if config.pooling == "attention":
            self.attention = nn.Linear(width, 1)
        self.head = nn.Linear(width, config.num_outputs)
        self.dropout = nn.Dropout(config.dropout)
        self._fast: RecurrentStack | None = None

    @property
    def bytes_per_event(self) -> int:
        """What a batch takes for each of its events, about."""
        config = self.config
        if self._fast is not None and self._keeps_no_states:
            return 64
        return 64 + 4 * (config.embedding + 4 * config.hidden * (2 if config.bidirectional else 1))

    @property
    def _keeps_no_states(self) -> bool:
        return self.config.layers == 1 and self.config.pooling == "last"

    def accelerate(self) -> None:
        """Run the recurrent layers by `workers.ehr.events.networks.recurrent` from now on. For evaluation, on a CPU."""
        self._fast = RecurrentStack(self.embed, self.rnn)

    def features(self, sequences: PackedHistories) -> Tensor:
        """(records, hidden or twice that): the pooled state."""
        states, last = self._run(sequences)
        if self.config.pooling == "last":
            return last
        assert states is not None
        if self.config.pooling == "mean":
            return mean_by_record(states, sequences)
        weights = softmax_by_record(self.attention(states)[:, 0], sequences)
        return sum_by_record(states * weights[:, None], sequences)

    def forward(self, sequences: PackedHistories) -> Tensor:
        """Logits."""
        return cast(Tensor, self.head(self.dropout(self.features(sequences))))

    def _run(self, sequences: PackedHistories) -> tuple[Tensor | None, Tensor]:
        if self._fast is not None:
            return self._fast(sequences, states=self.config.pooling != "last")
        return run_packed(self.rnn, self.dropout(self.embed(sequences)), sequences.lengths)


def run_packed(rnn: nn.RNNBase, x: Tensor, lengths: Tensor, backwards: bool = False) -> tuple[Tensor, Tensor]:
    """States (events, width) in the order of `x` and the last ones (records, width), by torch's packed path.

    `backwards` takes each record from its last event to its first; its last state is then that of the first event.
    """
    slots = one_each(lengths.numpy())
    order = torch.from_numpy(slots.order()).to(x.device)
    if backwards:
        order = mirrored(lengths).to(x.device)[order]
    if takes(rnn, x):
        data, ended = stepped(rnn, x[order], slots.widths.tolist())
        states = torch.empty_like(data).index_copy_(0, order, data)
        return states, ended[torch.from_numpy(slots.slot)]
    packed = PackedSequence(x[order], torch.from_numpy(slots.widths))
    output, hidden = rnn(packed)
    states = torch.empty_like(output.data).index_copy_(0, order, output.data)
    if isinstance(hidden, tuple):
        hidden = hidden[0]
    directions = 2 if rnn.bidirectional else 1
    last = torch.cat(list(hidden[-directions:]), dim=1)[torch.from_numpy(slots.slot).to(x.device)]
    return states, last


def mirrored(lengths: Tensor) -> Tensor:
    """(events,) the place of each event when its record is turned round."""
    ends = torch.cumsum(lengths, 0)
    both_ends = torch.repeat_interleave(2 * ends - lengths - 1, lengths)
    return both_ends - torch.arange(len(both_ends))


build = EventRnn
