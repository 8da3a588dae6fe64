"""The reference's own way through a dilated residual network: at each layer only where something wants it."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from workers.genomics.sequences.networks.folded_blocks import FoldedBlock
from workers.genomics.sequences.networks.shared_windows import Span, merged
from workers.genomics.sequences.networks.tiled_convolution import convolve

BRIDGE = 64
"""Gaps of so few positions are computed rather than left out: a call costs more than they do."""


class ReferenceLane:
    """Layers (1, channels, positions) of which only the spans that are wanted hold something.

    `wanted` are spans of one width whose outputs are wanted; `reads` are, for the bases and behind each convolution,
    the spans that others read. `x` is the residual stream, `active` its norm and ReLU, `hidden` the middle of a block.
    """

    def __init__(
        self,
        network: Any,
        bases: Tensor,
        wanted: Sequence[Span],
        reads: Sequence[Sequence[Span]],
        reaches: Sequence[int],
    ) -> None:
        self._wanted = wanted
        self.spans = _needed(wanted, reads, reaches)
        self.x: Tensor = network.stem(bases)
        self.active = torch.empty_like(self.x)
        self.hidden = torch.empty_like(self.x)
        self._added = torch.empty_like(self.x)
        self.total: Tensor = network.skip(self._at_wanted())

    def first(self, block: FoldedBlock, layer: int) -> None:
        """The first half of a block whose input is behind so many convolutions: fills `active` and `hidden`."""
        for low, high in self.spans[layer]:
            torch.addcmul(block.shift, self.x[:, :, low:high], block.scale, out=self.active[:, :, low:high]).relu_()
        self._convolve(self.active, block, self.hidden, layer + 1)

    def second(self, block: FoldedBlock, layer: int) -> None:
        """The second half: `x` becomes what is behind the block."""
        self._convolve(self.hidden, block, self._added, layer + 2)
        for low, high in self.spans[layer + 2]:
            self.x[:, :, low:high] += self._added[:, :, low:high]
        if block.skip is not None:
            self.total += block.skip(self._at_wanted())

    def _convolve(self, source: Tensor, block: FoldedBlock, target: Tensor, layer: int) -> None:
        odd = layer % 2 == 1
        convolution = block.first if odd else block.second
        pieces = [(0, low - convolution.reach, low, high - low) for low, high in self.spans[layer]]
        convolve(source, convolution, target, pieces, relu=odd)

    def _at_wanted(self) -> Tensor:
        """(wanted, channels, positions) of the residual stream."""
        return torch.stack([self.x[0, :, low:high] for low, high in self._wanted])


def _needed(wanted: Sequence[Span], reads: Sequence[Sequence[Span]], reaches: Sequence[int]) -> list[list[Span]]:
    """The spans to be computed, for the bases and behind each convolution: what is read of them, and what the next
    convolution takes for its own."""
    needed = [merged([*wanted, *reads[-1]], BRIDGE)]
    for reach, others in zip(reversed(reaches), reversed(reads[:-1]), strict=True):
        grown = [(low - reach, high + reach) for low, high in needed[0]]
        needed.insert(0, merged([*grown, *others], BRIDGE))
    return needed
