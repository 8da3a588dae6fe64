"""One step of a GRU or an LSTM for many rows at once, in place. See `workers.ehr.events.networks.recurrent`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


@dataclass(frozen=True)
class Gates:
    """A block of gates: what multiplies the input, transposed and contiguous (inputs, gates), and what is added."""

    weight: Tensor
    bias: Tensor


class Rows(Protocol):
    """The state of some rows while they are stepped. `narrow` makes the first `width` of them take part."""

    state: Tensor
    """(rows, hidden) of all rows"""
    h: Tensor
    """The part of `state` that takes part"""
    gates: Sequence[Tensor]
    """What the input gives to the gates has to be put here before a step."""

    def narrow(self, width: int) -> None:
        """Let the first `width` rows take part."""

    def step(self) -> None:
        """Make the state after an event of `gates` and the state before."""

    def forget(self, places: Tensor) -> None:
        """Set these rows to their state before any event."""


class Cell(Protocol):
    """Weights of one layer in one direction."""

    hidden: int
    inputs: Sequence[Gates]
    """How what comes from below enters the gates, a block each."""

    def rows(self, width: int) -> Rows:
        """Fresh rows."""


class GruCell:
    """r, z = sigmoid(.), n = tanh(in_n + r (W_hn h + b_hn)), h' = (1 - z) n + z h; blocks (r, z) and (n)."""

    def __init__(self, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor, bias_hh: Tensor) -> None:
        hidden = weight_hh.shape[1]
        first, last = slice(0, 2 * hidden), slice(2 * hidden, None)
        self.hidden = hidden
        self.inputs: Sequence[Gates] = (
            Gates(_turned(weight_ih[first]), bias_ih[first] + bias_hh[first]),
            Gates(_turned(weight_ih[last] * 2), bias_ih[last] * 2),
        )
        self.gates = Gates(_turned(weight_hh[first]), torch.zeros(2 * hidden))
        self.candidate = Gates(_turned(weight_hh[last] * 2), bias_hh[last] * 2)

    def rows(self, width: int) -> GruRows:
        """The state of `width` histories side by side, all zero."""
        return GruRows(self, width)


class GruRows:
    """The state `h` of several histories, and the room in which a step computes."""

    def __init__(self, cell: GruCell, width: int) -> None:
        hidden = cell.hidden
        self._cell = cell
        self.state = torch.zeros(width, hidden)
        self._full = (torch.empty(width, 2 * hidden), torch.empty(width, hidden), torch.empty(width, hidden))
        self._minus_one = torch.full((1,), -1.0)
        self.narrow(width)

    def narrow(self, width: int) -> None:
        """Go on with the first `width` rows: the others have ended."""
        hidden = self._cell.hidden
        rz, self._n, self._from_state = (full[:width] for full in self._full)
        self.h = self.state[:width]
        self.gates: Sequence[Tensor] = (rz, self._n)
        self._r, self._z = rz[:, :hidden], rz[:, hidden:]

    def step(self) -> None:
        """One event for every row: the gates hold what comes from below, `h` is overwritten."""
        (rz, n), h, cell = self.gates, self.h, self._cell
        rz.addmm_(h, cell.gates.weight)
        torch.sigmoid(rz, out=rz)
        torch.addmm(cell.candidate.bias, h, cell.candidate.weight, out=self._from_state)
        n.addcmul_(self._r, self._from_state)
        torch.sigmoid(n, out=n)
        torch.add(self._minus_one, n, alpha=2, out=n)
        torch.lerp(n, h, self._z, out=h)

    def forget(self, places: Tensor) -> None:
        """Start the rows `places` anew, for other histories."""
        self.state.index_fill_(0, places, 0.0)


class LstmCell:
    """i, f, o = sigmoid(.), g = tanh(.), c' = f c + i g, h' = o tanh(c'); one block in torch's order i, f, g, o."""

    def __init__(self, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor, bias_hh: Tensor) -> None:
        hidden = weight_hh.shape[1]
        double = torch.ones(4 * hidden)
        double[2 * hidden : 3 * hidden] = 2
        self.hidden = hidden
        self.inputs: Sequence[Gates] = (Gates(_turned(weight_ih * double[:, None]), (bias_ih + bias_hh) * double),)
        self.weight = _turned(weight_hh * double[:, None])

    def rows(self, width: int) -> LstmRows:
        """The state of `width` histories side by side, all zero."""
        return LstmRows(self, width)


class LstmRows:
    """The state of several histories. The state proper, `c`, goes beside `h`."""

    def __init__(self, cell: LstmCell, width: int) -> None:
        hidden = cell.hidden
        self._cell = cell
        self.state = torch.zeros(width, hidden)
        self._c_full = torch.zeros(width, hidden)
        self._full = (torch.empty(width, 4 * hidden), torch.empty(width, hidden))
        self._minus_one = torch.full((1,), -1.0)
        self.narrow(width)

    def narrow(self, width: int) -> None:
        """Go on with the first `width` rows: the others have ended."""
        gates, self._squashed = (full[:width] for full in self._full)
        self.h, self._c = self.state[:width], self._c_full[:width]
        self.gates: Sequence[Tensor] = (gates,)
        self._i, self._f, self._g, self._o = gates.chunk(4, dim=1)

    def step(self) -> None:
        """One event for every row: the gates hold what comes from below, `c` and `h` are overwritten."""
        (gates,), c, squashed = self.gates, self._c, self._squashed
        gates.addmm_(self.h, self._cell.weight)
        torch.sigmoid(gates, out=gates)
        torch.add(self._minus_one, self._g, alpha=2, out=squashed)
        c.mul_(self._f).addcmul_(self._i, squashed)
        torch.mul(c, 2, out=squashed)
        torch.sigmoid(squashed, out=squashed)
        torch.add(self._minus_one, squashed, alpha=2, out=squashed)
        torch.mul(self._o, squashed, out=self.h)

    def forget(self, places: Tensor) -> None:
        """Start the rows `places` anew, for other histories."""
        self.state.index_fill_(0, places, 0.0)
        self._c_full.index_fill_(0, places, 0.0)


def _turned(weight: Tensor) -> Tensor:
    return weight.t().contiguous()
