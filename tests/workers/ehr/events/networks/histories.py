"""Short histories for the networks on events, and the plain padded way to run a recurrent network over them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from workers.ehr.events.networks.packed import PackedHistories

CODES = 40


def some_sequences(lengths: list[int], seed: int = 0) -> PackedHistories:
    """Codes, values (a third missing), times and visits of up to three random events."""
    chance = torch.Generator().manual_seed(seed)
    total = sum(lengths)
    value = torch.randn(total, generator=chance)
    value[torch.rand(total, generator=chance) < 0.3] = torch.nan
    visit = torch.cat([torch.cumsum(torch.rand(n, generator=chance) < 0.4, 0) for n in lengths])
    return PackedHistories(
        lengths=torch.tensor(lengths),
        code=torch.randint(0, CODES, (total,), generator=chance),
        columns={
            "value": value,
            "delta": torch.rand(total, generator=chance) * 50,
            "ago": torch.rand(total, generator=chance) * 900,
            "age": torch.where(value > 0.5, torch.nan, torch.rand(total, generator=chance) * 30_000),
        },
        visit=visit - torch.cat([visit[:0], *(part[:1].expand(len(part)) for part in visit.split(lengths))]),
    )


def alone(sequences: PackedHistories, record: int) -> PackedHistories:
    """One record of them."""
    part = slice(int(sequences.first()[record]), int(sequences.last()[record]) + 1)
    return PackedHistories(
        lengths=sequences.lengths[record : record + 1],
        code=sequences.code[part],
        columns={name: column[part] for name, column in sequences.columns.items()},
        visit=None if sequences.visit is None else sequences.visit[part],
    )


def padded_states(rnn: nn.Module, x: Tensor, lengths: list[int]) -> tuple[list[Tensor], Tensor]:
    """Each record's states and its last one, as in any tutorial: padded, packed, unpacked."""
    padded = pad_sequence(x.split(lengths), batch_first=False)
    output, hidden = rnn(pack_padded_sequence(padded, torch.tensor(lengths), enforce_sorted=False))
    states, _ = pad_packed_sequence(output)
    hidden = hidden[0] if isinstance(hidden, tuple) else hidden
    last = torch.cat(list(hidden[-2:] if rnn.bidirectional else hidden[-1:]), dim=1)
    return [states[:n, record] for record, n in enumerate(lengths)], last
