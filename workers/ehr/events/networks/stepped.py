"""Recurrent layers step by step while they are trained on a CPU: what torch does, at a cost that grows with the events.

torch takes each step of a packed sequence as a view of all of them, whose gradient is as large as all of them: its cost
grows with steps times events, and one long history makes a batch slow.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


def takes(rnn: nn.RNNBase, x: Tensor) -> bool:
    """Whether `stepped` is for it: a GRU or LSTM in one direction, on a CPU, with gradients."""
    plain = isinstance(rnn, nn.GRU | nn.LSTM) and not rnn.bidirectional and bool(rnn.bias)
    return plain and x.device.type == "cpu" and torch.is_grad_enabled()


def stepped(rnn: nn.RNNBase, x: Tensor, widths: Sequence[int]) -> tuple[Tensor, Tensor]:
    """States (events, hidden) of the last layer, and the last one of each record, the longest first.

    `x` (events, inputs) lies as in `PackedSequence`: step by step, `widths` records in each.
    """
    last = x
    for layer in range(rnn.num_layers):
        if layer:
            x = functional.dropout(x, rnn.dropout, rnn.training)
        x, last = _layer(rnn, layer, x, widths)
    return x, last


def _layer(rnn: nn.RNNBase, layer: int, x: Tensor, widths: Sequence[int]) -> tuple[Tensor, Tensor]:
    weights = [getattr(rnn, f"{kind}_l{layer}") for kind in ("weight_ih", "bias_ih", "weight_hh", "bias_hh")]
    step = _gru if isinstance(rnn, nn.GRU) else _lstm
    state = cell = x.new_zeros(widths[0], rnn.hidden_size)
    states, ended = [], []
    for given in torch.split(functional.linear(x, weights[0], weights[1]), list(widths)):
        if len(given) < len(state):
            ended.append(state[len(given) :])
            state, cell = state[: len(given)], cell[: len(given)]
        state, cell = step(given, functional.linear(state, weights[2], weights[3]), state, cell)
        states.append(state)
    return torch.cat(states), torch.cat([state, *reversed(ended)])


def _gru(given: Tensor, kept: Tensor, state: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """Cho et al. 2014, as torch has it: the reset gate stands behind the product."""
    (given_reset, given_update, given_new), (reset, update, new) = given.chunk(3, 1), kept.chunk(3, 1)
    fresh = torch.tanh(torch.addcmul(given_new, torch.sigmoid(given_reset + reset), new))
    return torch.lerp(fresh, state, torch.sigmoid(given_update + update)), cell


def _lstm(given: Tensor, kept: Tensor, state: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000."""
    into, forget, new, out = (given + kept).chunk(4, 1)
    cell = torch.addcmul(torch.sigmoid(forget) * cell, torch.sigmoid(into), torch.tanh(new))
    return torch.sigmoid(out) * torch.tanh(cell), cell
