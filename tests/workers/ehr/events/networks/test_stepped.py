"""Recurrent layers step by step have torch's states and torch's gradients."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence

from workers.ehr.events.networks.stepped import stepped, takes

WIDTHS = [4, 4, 3, 1, 1]


@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTM])
@pytest.mark.parametrize("layers", [1, 2])
def test_states_and_gradients_are_those_of_torch(kind: type[nn.RNNBase], layers: int) -> None:
    torch.manual_seed(1)
    rnn, x = kind(5, 7, layers), torch.randn(sum(WIDTHS), 5, requires_grad=True)
    assert takes(rnn, x)
    share = torch.randn(sum(WIDTHS), 7)
    packed, hidden = rnn(PackedSequence(x, torch.tensor(WIDTHS)))
    hidden = hidden[0] if isinstance(hidden, tuple) else hidden
    inputs = [x, *rnn.parameters()]
    expected = torch.autograd.grad((packed.data * share).sum() + hidden[-1].square().sum(), inputs)
    states, last = stepped(rnn, x, WIDTHS)
    found = torch.autograd.grad((states * share).sum() + last.square().sum(), inputs)
    torch.testing.assert_close(states, packed.data, rtol=0, atol=1e-6)
    torch.testing.assert_close(last, hidden[-1], rtol=0, atol=1e-6)
    for mine, torchs in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, torchs, rtol=1e-5, atol=1e-5)


def test_it_is_not_for_two_directions_nor_for_scores() -> None:
    x = torch.zeros(3, 5)
    assert not takes(nn.GRU(5, 7, bidirectional=True), x)
    with torch.inference_mode():
        assert not takes(nn.GRU(5, 7), x)
