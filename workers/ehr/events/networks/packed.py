"""The input of a network on events: the events of some records one behind the other, without padding."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from workers.ehr.events.networks.settings import EventInput

MAY_BE_MISSING = ("value", "age")


@dataclass(frozen=True)
class PackedHistories:
    """Record `i` has the next `lengths[i]` events, at least one; the oldest comes first.

    `columns` has what the network's `inputs` name, (events,) float32 each: `value`, in the units of the model's
    normaliser, NaN where there is none; `delta`, days since the event before; `ago`, days before the prediction time;
    `age`, days since birth, NaN where that is not known.
    """

    lengths: Tensor
    """(records,) int64, on the CPU"""
    code: Tensor
    """(events,) int64, row of the embedding"""
    columns: Mapping[EventInput, Tensor]
    visit: Tensor | None = None
    """(events,) int64: which visit of its record an event belongs to, from 0 on; for networks over visits."""

    @property
    def records(self) -> int:
        """Number of records."""
        return len(self.lengths)

    def record(self) -> Tensor:
        """(events,) int64: the record of each event."""
        device = self.code.device
        return torch.repeat_interleave(torch.arange(self.records, device=device), self.lengths.to(device))

    def first(self) -> Tensor:
        """(records,) int64: where each record begins."""
        return (torch.cumsum(self.lengths, 0) - self.lengths).to(self.code.device)

    def last(self) -> Tensor:
        """(records,) int64: where each record ends, its last event."""
        return self.first() + self.lengths.to(self.code.device) - 1


class EventEmbedding(nn.Module):
    """(events, width): an embedding of the code, plus a linear map of `features`. Not dropped out, not scaled.

    Weights: `code.weight` (num_codes, width), and for each input `value.weight` and `age.weight` (width, 2),
    `delta.weight` and `ago.weight` (width, 1).
    """

    def __init__(self, num_codes: int, width: int, inputs: tuple[EventInput, ...]) -> None:
        super().__init__()
        self.inputs = inputs
        self.code = nn.Embedding(num_codes, width)
        for name in inputs:
            self.add_module(name, nn.Linear(2 if name in MAY_BE_MISSING else 1, width, bias=False))

    def forward(self, sequences: PackedHistories) -> Tensor:
        """(events, width): each event's code, and its inputs where the network has any, as one vector."""
        x: Tensor = self.code(sequences.code)
        return x + features(self.inputs, sequences) @ self.projection() if self.inputs else x

    def projection(self) -> Tensor:
        """(features, width): what `features` are multiplied by."""
        return torch.cat([self.get_submodule(name).weight.t() for name in self.inputs])  # type: ignore[operator]  # linear layers, each of them


def features(inputs: tuple[EventInput, ...], sequences: PackedHistories) -> Tensor:
    """(events, features) float32: a value itself, of days log(1 + days). What may be missing is 0 then, and is
    followed by a column that is 1 where it is there."""
    parts: list[Tensor] = []
    for name in inputs:
        column = sequences.columns[name]
        known = torch.nan_to_num(column, nan=0.0)
        parts.append(known if name == "value" else torch.log1p(known))
        if name in MAY_BE_MISSING:
            parts.append((~torch.isnan(column)).to(column.dtype))
    return torch.stack(parts, dim=1)


def mean_by_record(x: Tensor, sequences: PackedHistories) -> Tensor:
    """(records, width): mean over the events of each record."""
    return sum_by_record(x, sequences) / sequences.lengths.to(x.device, x.dtype)[:, None]


def sum_by_record(x: Tensor, sequences: PackedHistories) -> Tensor:
    """(records, width): sum over the events of each record."""
    return x.new_zeros(sequences.records, x.shape[1]).index_add_(0, sequences.record(), x)


def softmax_by_record(x: Tensor, sequences: PackedHistories) -> Tensor:
    """(events,) weights that sum to 1 within each record."""
    record = sequences.record()
    # The largest of each record is taken off first, so that exp does not overflow.
    top = x.new_full((sequences.records,), -torch.inf).scatter_reduce_(0, record, x, "amax")
    powers = torch.exp(x - top[record])
    return powers / x.new_zeros(sequences.records).index_add_(0, record, powers)[record]
