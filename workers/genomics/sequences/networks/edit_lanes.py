"""ALT alleles' way through a dilated residual network: at each layer only the positions that the edit reaches."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from workers.genomics.sequences.networks.folded_blocks import FoldedBlock
from workers.genomics.sequences.networks.reference_lane import ReferenceLane
from workers.genomics.sequences.networks.shared_windows import Span
from workers.genomics.sequences.networks.tiled_convolution import convolve


class EditLanes:
    """ALT alleles whose edits reach the same positions, counted from each edit's place.

    `rows` say whose they are, `places` where they stand on the reference's axis, `shifts` how far each moves what is
    right of it, `alts` (n, 4, bases) what they put in. `spans` are what has to be computed, for the bases and behind
    each convolution; left of them an ALT has the reference's values, right of them the reference's moved by its shift.
    `wanted` is the span whose outputs are wanted.
    """

    def __init__(
        self,
        network: Any,
        rows: Sequence[int],
        places: Sequence[int],
        shifts: Sequence[int],
        alts: Tensor | None,
        spans: Sequence[Span],
        wanted: Span,
        reaches: Sequence[int],
    ) -> None:
        self.rows = list(rows)
        self._places = places
        self._shifts = shifts
        self._network = network
        self._alts = alts
        self._spans = spans
        self._wanted = wanted
        self._reaches = reaches
        self.reads = [self._reads(layer) for layer in range(len(spans))]

    def start(self, reference: ReferenceLane) -> None:
        """The stem over what is put in."""
        low, high = self._spans[0]
        if self._alts is None or low == high:
            self._x = reference.x.new_empty((len(self.rows), reference.x.shape[1], 0))
        else:
            self._x = self._network.stem(self._alts[:, :, low:high].contiguous())
        self.total: Tensor = self._network.skip(self._whole(reference.x, self._x, 0, self._wanted))

    def block(self, reference: ReferenceLane, block: FoldedBlock, layer: int) -> None:
        """One block whose input is behind so many convolutions, while the reference is in the middle of it."""
        active = torch.addcmul(block.shift, self._x, block.scale).relu_()
        hidden = self._convolve(reference.active, active, block, layer)
        added = self._convolve(reference.hidden, hidden, block, layer + 1)
        self._x = self._whole(reference.x, self._x, layer, self._spans[layer + 2]).add_(added)

    def add_skip(self, reference: ReferenceLane, skip: Any, layer: int) -> None:
        """The sum of the skip connections grows by that of the block which both lanes have just left."""
        self.total += skip(self._whole(reference.x, self._x, layer, self._wanted))

    def _convolve(self, reference: Tensor, own: Tensor, block: FoldedBlock, layer: int) -> Tensor:
        """(n, channels, span) behind the convolution that follows the first `layer`."""
        even = layer % 2 == 0
        convolution = block.first if even else block.second
        low, high = self._spans[layer + 1]
        out = own.new_empty((len(self.rows), convolution.weight.shape[0], high - low))
        if high > low:
            grown = (low - convolution.reach, high + convolution.reach)
            pieces = [(row, 0, 0, high - low) for row in range(len(self.rows))]
            convolve(self._whole(reference, own, layer, grown), convolution, out, pieces, relu=even)
        return out

    def _whole(self, reference: Tensor, own: Tensor, layer: int, span: Span) -> Tensor:
        """(n, channels, span) of the edited sequences: the reference's values with their own in the middle."""
        low, high = span
        first, last = (min(max(end, low), high) for end in self._spans[layer])
        whole = own.new_empty((len(self.rows), own.shape[1], high - low))
        start = self._spans[layer][0]
        whole[:, :, first - low : last - low] = own[:, :, first - start : last - start]
        for lane, (place, shift) in enumerate(zip(self._places, self._shifts, strict=True)):
            whole[lane, :, : first - low] = reference[0, :, place + low : place + first]
            moved = place - shift
            whole[lane, :, last - low :] = reference[0, :, moved + last : moved + high]
        return whole

    def _reads(self, layer: int) -> list[Span]:
        """What `_whole` takes of the reference behind so many convolutions."""
        asked = [self._wanted]
        if layer < len(self._reaches):
            (low, high), reach = self._spans[layer + 1], self._reaches[layer]
            asked += [(low - reach, high + reach)] if high > low else []
        if layer % 2 == 0 and layer + 2 < len(self._spans):
            asked.append(self._spans[layer + 2])
        found = []
        for low, high in asked:
            first, last = (min(max(end, low), high) for end in self._spans[layer])
            for place, shift in zip(self._places, self._shifts, strict=True):
                found += [(place + low, place + first), (place - shift + last, place - shift + high)]
        return found
