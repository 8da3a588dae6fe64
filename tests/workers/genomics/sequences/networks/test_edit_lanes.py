"""An ALT's lane through the network beside the reference's: its outputs are those of the edited sequence by itself."""

from collections.abc import Iterator, Sequence

import pytest
import torch
from torch import Tensor

from workers.genomics.sequences.networks.dilated_resnet import Config, DilatedResnet, build
from workers.genomics.sequences.networks.edit_lanes import EditLanes
from workers.genomics.sequences.networks.folded_blocks import fold_blocks
from workers.genomics.sequences.networks.reference_lane import ReferenceLane
from workers.genomics.sequences.networks.shared_windows import edit_spans

CONFIG = Config(num_outputs=2, channels=4, kernels=(3, 5), dilations=(1, 2), skip_every=1, positions=1)
REACHES = (1, 1, 4, 4)
REACH = sum(REACHES)
LENGTH = 60


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Several would wait for each other longer than these few positions take."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def network() -> DilatedResnet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return build(CONFIG).eval()


def one_hot(bases: Sequence[int]) -> Tensor:
    return torch.nn.functional.one_hot(torch.tensor(bases), 4).T[None].float()


REFERENCE = torch.randint(0, 4, (LENGTH,), generator=torch.Generator().manual_seed(7)).tolist()


def edited(place: int, removed: int, put: Sequence[int]) -> list[int]:
    return [*REFERENCE[:place], *put, *REFERENCE[place + removed :]]


def lanes_of(
    network: DilatedResnet, places: Sequence[int], removed: int, puts: Sequence[Sequence[int]], wanted: int
) -> EditLanes:
    """Lanes for edits at these places of the reference; `wanted` counts from the edit's place."""
    spans = edit_spans(len(puts[0]), wanted, 1, REACHES)
    alts = torch.cat([one_hot(put) for put in puts]) if puts[0] else None
    shifts = [len(puts[0]) - removed] * len(places)
    return EditLanes(network, range(len(places)), places, shifts, alts, spans, (wanted, wanted + 1), REACHES)


def through(network: DilatedResnet, lanes: EditLanes) -> Tensor:
    """The outputs at the wanted position of each lane."""
    blocks = fold_blocks(network)
    with torch.inference_mode():
        reference = ReferenceLane(network, one_hot(REFERENCE), [(30, 31)], lanes.reads, REACHES)
        lanes.start(reference)
        for number, block in enumerate(blocks):
            reference.first(block, 2 * number)
            lanes.block(reference, block, 2 * number)
            reference.second(block, 2 * number)
            if block.skip is not None:
                lanes.add_skip(reference, block.skip, 2 * number + 2)
        outputs: Tensor = network.finish(lanes.total)
    return outputs


def plainly(network: DilatedResnet, sequence: Sequence[int], at: int) -> Tensor:
    with torch.inference_mode():
        outputs: Tensor = network(one_hot(sequence[at - REACH : at + REACH + 1]))
    return outputs[0]


@pytest.mark.parametrize("wanted", [0, 5, -REACH - 3])
@pytest.mark.parametrize(
    ("removed", "put"),
    [(1, [2]), (0, [1, 3, 3]), (3, []), (2, [0, 1, 0, 1, 2]), (5, [3])],
    ids=["substitution", "insertion", "deletion", "longer", "shorter"],
)
def test_outputs_equal_those_of_the_plain_network_on_the_edited_sequence(
    network: DilatedResnet, removed: int, put: list[int], wanted: int
) -> None:
    place = 28
    found = through(network, lanes_of(network, [place], removed, [put], wanted))
    torch.testing.assert_close(
        found[0], plainly(network, edited(place, removed, put), place + wanted), rtol=1e-4, atol=1e-5
    )


def test_lanes_side_by_side_each_have_their_own_place_and_bases(network: DilatedResnet) -> None:
    places, puts = [25, 31], [[0, 2], [3, 3]]
    found = through(network, lanes_of(network, places, 1, puts, 1))
    for row, (place, put) in enumerate(zip(places, puts, strict=True)):
        alone = plainly(network, edited(place, 1, put), place + 1)
        torch.testing.assert_close(found[row], alone, rtol=1e-4, atol=1e-5)


def test_what_is_read_of_the_reference_lies_on_both_sides_of_what_is_computed(network: DilatedResnet) -> None:
    place = 28
    lanes = lanes_of(network, [place], 1, [[2]], 0)
    assert lanes.rows == [0]
    # Behind all convolutions a substitution at the wanted position leaves nothing of the reference to read.
    last = [span for span in lanes.reads[-1] if span[0] < span[1]]
    assert last == []
    # Behind the first convolution a position on each side is new; it, and the block's sum, take one base more each.
    bases = {span for span in lanes.reads[0] if span[0] < span[1]}
    assert bases == {(place - 2, place), (place + 1, place + 3)}
