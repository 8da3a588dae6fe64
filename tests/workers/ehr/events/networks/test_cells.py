"""Cells against those of torch."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from workers.ehr.events.networks.cells import GruCell, LstmCell

INPUTS, HIDDEN, WIDTH = 3, 5, 4


def pair(kind: str) -> tuple[Any, Any]:
    """Torch's cell and ours, of the same weights."""
    torch.manual_seed(1)
    theirs: Any = nn.GRUCell(INPUTS, HIDDEN) if kind == "gru" else nn.LSTMCell(INPUTS, HIDDEN)
    weights = [weight.detach() for weight in (theirs.weight_ih, theirs.weight_hh, theirs.bias_ih, theirs.bias_hh)]
    return theirs, (GruCell if kind == "gru" else LstmCell)(*weights)


def step(cell: Any, rows: Any, below: Tensor) -> None:
    for room, gates in zip(rows.gates, cell.inputs, strict=True):
        torch.addmm(gates.bias, below, gates.weight, out=room)
    rows.step()


def theirs_after(cell: Any, events: list[Tensor]) -> Tensor:
    """The hidden state after these events, from nothing."""
    state = None
    for below in events:
        state = cell(below, state)
    return state[0] if isinstance(state, tuple) else state


@pytest.mark.parametrize("kind", ["gru", "lstm"])
@torch.no_grad()
def test_steps_are_those_of_torch(kind: str) -> None:
    theirs, ours = pair(kind)
    events = [torch.randn(WIDTH, INPUTS) for _ in range(6)]
    rows = ours.rows(WIDTH)
    for below in events:
        step(ours, rows, below)
    assert torch.allclose(rows.h, theirs_after(theirs, events), atol=1e-5)


@pytest.mark.parametrize("kind", ["gru", "lstm"])
@torch.no_grad()
def test_rows_that_have_ended_keep_their_state_while_the_others_go_on(kind: str) -> None:
    theirs, ours = pair(kind)
    events = [torch.randn(WIDTH, INPUTS) for _ in range(2)]
    rows = ours.rows(WIDTH)
    step(ours, rows, events[0])
    rows.narrow(2)
    step(ours, rows, events[1][:2])
    assert torch.allclose(rows.state[2:], theirs_after(theirs, events[:1])[2:], atol=1e-5)
    assert torch.allclose(rows.state[:2], theirs_after(theirs, events)[:2], atol=1e-5)


@pytest.mark.parametrize("kind", ["gru", "lstm"])
@torch.no_grad()
def test_a_row_that_forgets_starts_anew_and_its_neighbours_do_not(kind: str) -> None:
    theirs, ours = pair(kind)
    events = [torch.randn(WIDTH, INPUTS) for _ in range(2)]
    rows = ours.rows(WIDTH)
    step(ours, rows, events[0])
    rows.forget(torch.tensor([1]))
    step(ours, rows, events[1])
    assert torch.allclose(rows.h[1], theirs_after(theirs, events[1:])[1], atol=1e-5)
    assert torch.allclose(rows.h[0], theirs_after(theirs, events)[0], atol=1e-5)
