from __future__ import annotations

import torch

from workers.genomics.sequences.networks.dilated_resnet import Config, build
from workers.genomics.sequences.networks.folded_blocks import fold_blocks
from workers.genomics.sequences.networks.reference_lane import BRIDGE, ReferenceLane

CONFIG = Config(num_outputs=2, channels=4, kernels=(3, 5), dilations=(1, 1), skip_every=1, positions=1)
REACHES = (1, 1, 2, 2)


def lane(length: int, wanted: list[tuple[int, int]], reads: dict[int, list[tuple[int, int]]]) -> ReferenceLane:
    network = build(CONFIG).eval()
    with torch.inference_mode():
        return ReferenceLane(
            network, torch.zeros(1, 4, length), wanted, [reads.get(at, []) for at in range(5)], REACHES
        )


def test_each_layer_is_computed_where_the_next_one_needs_it_and_no_further() -> None:
    assert lane(13, [(6, 7)], {}).spans == [[(0, 13)], [(1, 12)], [(2, 11)], [(4, 9)], [(6, 7)]]


def test_what_others_read_of_a_layer_is_computed_too_and_small_gaps_are_bridged() -> None:
    far, near = 300, 7 + BRIDGE - 10
    spans = lane(400, [(6, 7)], {4: [(far, far + 1)], 2: [(near, near + 2)]}).spans
    assert spans[4] == [(6, 7), (far, far + 1)]
    assert spans[3] == [(4, 9), (far - 2, far + 3)]
    assert spans[2] == [(2, near + 2), (far - 4, far + 5)]
    assert spans[0] == [(0, near + 4), (far - 6, far + 7)]


def test_what_is_wanted_is_what_the_blocks_give_over_the_whole_window() -> None:
    torch.manual_seed(0)
    network = build(CONFIG).eval()
    blocks = fold_blocks(network)
    bases = torch.nn.functional.one_hot(torch.randint(0, 4, (13,)), 4).T[None].float()
    with torch.inference_mode():
        found = ReferenceLane(network, bases, [(6, 7)], [[]] * 5, REACHES)
        for number, block in enumerate(blocks):
            found.first(block, 2 * number)
            found.second(block, 2 * number)
        x = network.stem(bases)
        for plain in network.blocks:
            hidden = plain.conv1(torch.relu(plain.norm1(x)))
            added = plain.conv2(torch.relu(plain.norm2(hidden)))
            cut = (x.shape[2] - added.shape[2]) // 2
            x = x[:, :, cut : x.shape[2] - cut] + added
    torch.testing.assert_close(found.x[:, :, 6:7], x, rtol=1e-4, atol=1e-5)
