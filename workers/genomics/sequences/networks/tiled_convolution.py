"""A dilated convolution over chosen spans of positions only, cut into tiles of one size so that all cores have one."""

from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from workers.genomics.sequences.networks.folded_blocks import Convolution

TILE = 1024
"""Positions of a tile at most: its input then stays in a core's cache."""
TILES = {"cpu": 8, "cuda": 512}
"""Tiles of one call at most."""

Piece = tuple[int, int, int, int]
"""Row, first position of the input, first position of the output, positions of the output."""


def convolve(x: Tensor, convolution: Convolution, out: Tensor, pieces: Sequence[Piece], relu: bool) -> None:
    """Fill `out` (rows, channels, any) in the given pieces from `x` (rows, channels, any)."""
    more = 2 * convolution.reach
    at_once = TILES[x.device.type]
    for width, tiles in _tiles(pieces).items():
        for first in range(0, len(tiles), at_once):
            part = tiles[first : first + at_once]
            stacked = torch.stack([x[row, :, low : low + width + more] for row, low, _ in part])
            answer = functional.conv1d(stacked, convolution.weight, convolution.bias, dilation=convolution.dilation)
            if relu:
                answer.relu_()
            for tile, (row, _, low) in zip(answer, part, strict=True):
                out[row, :, low : low + width] = tile


def _tiles(pieces: Sequence[Piece]) -> dict[int, list[tuple[int, int, int]]]:
    """Tiles (row, input, output) by their width. The last of a piece may overlap the one before it."""
    tiles: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for row, source, target, positions in pieces:
        if positions <= 0:
            continue
        width = -(-positions // -(-positions // TILE))
        for first in range(0, positions, width):
            moved = min(first, positions - width)
            tiles[width].append((row, source + moved, target + moved))
    return tiles
