"""Outputs of a dilated residual network for REF and ALT of many variants, nothing computed twice.

Of the reference only the cone is computed that the wanted positions depend on, once for all windows that overlap. Of an
ALT only the positions are computed that its edit reaches; the others are those of the reference, moved where the edit
moves them. What comes out equals the plain network on each window by itself (by rounding, about 1e-6): a position's
outputs depend on the bases in reach alone, and no convolution here reads beyond a window's ends.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workers.genomics.sequences.networks.edit_lanes import EditLanes
from workers.genomics.sequences.networks.folded_blocks import fold_blocks
from workers.genomics.sequences.networks.reference_lane import ReferenceLane
from workers.genomics.sequences.networks.shared_windows import Edit, Stretch, alike_ends, edit_spans, stretches
from workers.genomics.sequences.windows import Bases, VariantWindow
from workers.models.memory_ladder import MemoryLadder

Float = NDArray[np.float32]

Keep = Callable[[int, Sequence[int], Sequence[int] | None, Tensor], None]
"""(0 for REF, 1 for ALT; rows; which of the sums is each row's, None: in their order; sums of the skip connections at
the wanted positions)"""

BATCH_BYTES = {"cpu": 96 << 20, "cuda": 2 << 30}
"""What the layers of one batch may take, about."""
_LAYERS_HELD = 4
_COLUMN = np.full(256, 4, dtype=np.int64)
_COLUMN[list(b"ACGT")] = range(4)


class VariantScorer:
    """Scores windows by a `DilatedResnet` in evaluation mode, on one device."""

    def __init__(self, network: Any, config: Any, device: str) -> None:
        self.config = config
        self._network = network.eval()
        self._blocks = fold_blocks(network)
        self._reaches = [conv.reach for block in self._blocks for conv in (block.first, block.second)]
        self._device = torch.device(device)
        self._ladder = MemoryLadder(BATCH_BYTES[self._device.type])

    def score(self, windows: Sequence[VariantWindow]) -> tuple[Float, Float]:
        """(windows, num_outputs) logits of REF and of ALT, in order; NaN of an ALT that is not there.

        Raises MemoryError where the device has no memory for a single window.
        """
        shape = (len(windows), self.config.num_outputs)
        answers = np.full(shape, np.nan, np.float32), np.full(shape, np.nan, np.float32)

        def keep(side: int, rows: Sequence[int], which: Sequence[int] | None, total: Tensor) -> None:
            outputs = self._network.finish(total).cpu().numpy()
            answers[side][rows] = outputs if which is None else outputs[which]

        self._run(windows, keep)
        return answers

    def each_position(self, windows: Sequence[VariantWindow]) -> tuple[list[Float], list[Float]]:
        """(positions, outputs a position) logits of REF and of ALT of each window, whatever the pooling is.

        All windows have a variant. Where both sides of a window keep their place, ALT has as many positions more, or
        fewer, as it has bases. What no edit reaches is the reference's to the last bit. Raises MemoryError as `score`.
        """
        none = np.zeros((0, 0), np.float32)
        answers = [none] * len(windows), [none] * len(windows)

        def keep(side: int, rows: Sequence[int], which: Sequence[int] | None, total: Tensor) -> None:
            outputs = self._network.head(total).transpose(1, 2).cpu().numpy()
            for row, place in zip(rows, range(len(rows)) if which is None else which, strict=True):
                answers[side][row] = outputs[place]

        self._run(windows, keep)
        for window, ref, alt in zip(windows, *answers, strict=True):
            before, behind = (max(0, same - 2 * self.config.reach) for same in alike_ends(window))
            alt[:before] = ref[:before]
            alt[len(alt) - behind :] = ref[len(ref) - behind :]
        return answers

    def _run(self, windows: Sequence[VariantWindow], keep: Keep) -> None:
        self._ladder.run(
            list(stretches(windows, self.config.reach)),
            lambda batch: self._score(batch, keep),
            self._bytes,
            divide=lambda stretch: self._halves(stretch, windows),
        )

    def _bytes(self, stretch: Stretch) -> int:
        positions = len(stretch.bases) + len(stretch.edits) * self.config.window // 2
        return int(4 * _LAYERS_HELD * self.config.channels * positions)

    def _halves(self, stretch: Stretch, windows: Sequence[VariantWindow]) -> list[Stretch]:
        """A stretch that is too much alone falls apart into its windows; one window does not."""
        rows = [row for row, _ in stretch.wanted]
        halves = (rows[: len(rows) // 2], rows[len(rows) // 2 :]) if len(rows) > 1 else ()
        return [part for half in halves for part in self._stretches_of(half, windows)]

    def _stretches_of(self, rows: Sequence[int], windows: Sequence[VariantWindow]) -> Iterator[Stretch]:
        for part in stretches([windows[row] for row in rows], self.config.reach):
            part.wanted = [(rows[row], place) for row, place in part.wanted]
            part.edits = [replace(edit, row=rows[edit.row]) for edit in part.edits]
            yield part

    @torch.inference_mode()
    def _score(self, batch: Sequence[Stretch], keep: Keep) -> None:
        """All stretches side by side on one axis; what is wanted of one never reaches into its neighbour."""
        places = np.cumsum([0, *(len(stretch.bases) for stretch in batch)]).tolist()
        wanted = [
            (row, place + at) for place, stretch in zip(places, batch, strict=False) for row, at in stretch.wanted
        ]
        lanes = [self._lanes(edits) for edits in _alike(batch, places)]
        read = [[span for lane in lanes for span in lane.reads[layer]] for layer in range(len(self._reaches) + 1)]
        positions = self.config.positions
        spans = [(at, at + positions) for at in sorted({at for _, at in wanted})]
        bases = one_hot(np.concatenate([stretch.bases for stretch in batch]), self._device)
        lane = ReferenceLane(self._network, bases, spans, read, self._reaches)
        for edits in lanes:
            edits.start(lane)
        for number, block in enumerate(self._blocks):
            lane.first(block, 2 * number)
            for edits in lanes:
                edits.block(lane, block, 2 * number)
            lane.second(block, 2 * number)
            if block.skip is not None:
                for edits in lanes:
                    edits.add_skip(lane, block.skip, 2 * number + 2)
        found = {low: number for number, (low, _) in enumerate(spans)}
        keep(0, [row for row, _ in wanted], [found[at] for _, at in wanted], lane.total)
        for edits in lanes:
            keep(1, edits.rows, None, edits.total)

    def _lanes(self, edits: Sequence[tuple[Edit, int]]) -> EditLanes:
        edit, _ = edits[0]
        wanted, positions = edit.wanted - edit.at, self.config.positions + edit.more
        spans = edit_spans(len(edit.alt), wanted, positions, self._reaches)
        alts = one_hot(np.stack([edit.alt for edit, _ in edits]), self._device) if len(edit.alt) else None
        return EditLanes(
            self._network,
            rows=[edit.row for edit, _ in edits],
            places=[place + edit.at for edit, place in edits],
            shifts=[edit.shift for edit, _ in edits],
            alts=alts,
            spans=spans,
            wanted=(wanted, wanted + positions),
            reaches=self._reaches,
        )


def one_hot(bases: Bases, device: torch.device | None = None) -> Tensor:
    """(..., L) bases to (n, 4, L) float32, A C G T, zeros for N."""
    columns = torch.from_numpy(_COLUMN[np.atleast_2d(bases)]).to(device)
    return torch.nn.functional.one_hot(columns, 5)[..., :4].to(torch.float32).transpose(1, 2).contiguous()


def _alike(batch: Sequence[Stretch], places: Sequence[int]) -> list[list[tuple[Edit, int]]]:
    """Edits and their stretch's place on the axis; those together whose spans are the same."""
    groups: dict[tuple[int, int, int], list[tuple[Edit, int]]] = defaultdict(list)
    for stretch, place in zip(batch, places, strict=False):
        for edit in stretch.edits:
            groups[(len(edit.alt), edit.wanted - edit.at, edit.more)].append((edit, place))
    return list(groups.values())
