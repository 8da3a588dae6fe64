"""Shared computation of REF and ALT against the plain network on each window by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from workers.genomics.sequences.networks.dilated_resnet import Config, DilatedResnet, build
from workers.genomics.sequences.networks.shared_windows import edit_spans, stretches
from workers.genomics.sequences.networks.variant_scorer import VariantScorer
from workers.genomics.sequences.windows import Bases, VariantWindow

SMALL = Config(
    num_outputs=6, channels=8, kernels=(5, 5, 7, 7), dilations=(1, 2, 3, 5), skip_every=2, positions=3, pooling="each"
)
BASES = np.frombuffer(b"ACGT", dtype=np.uint8)


def network_of(config: Config, seed: int = 0) -> DilatedResnet:
    """Randomly initialised weights, batch norms that do something."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build(config)
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm1d):
                torch.nn.init.normal_(module.running_mean, std=0.3)
                torch.nn.init.uniform_(module.running_var, 0.5, 2.0)
                torch.nn.init.uniform_(module.weight, 0.5, 1.5)
                torch.nn.init.normal_(module.bias, std=0.3)
    return network.eval()


def plainly(network: DilatedResnet, windows: Sequence[Bases]) -> np.ndarray:
    """Each window by itself."""
    rows = []
    for bases in windows:
        one_hot = (bases[None] == BASES[:, None]).astype(np.float32)
        with torch.inference_mode():
            rows.append(network(torch.from_numpy(one_hot)[None])[0].numpy())
    return np.stack(rows)


def contig_of(length: int, seed: int = 0) -> Bases:
    """Random bases."""
    return BASES[np.random.default_rng(seed).integers(0, 4, length)]


def window_at(contig: Bases, place: int, ref: int, alt: bytes, config: Config, name: str = "1") -> VariantWindow:
    """As `workers.genomics.sequences` cuts it: N beyond the contig, as many bases more as the variant takes away."""
    length = config.window
    spare = max(0, ref - len(alt))
    start = place - length // 2
    padded = np.full(length + spare, ord("N"), np.uint8)
    low, high = max(0, start), min(len(contig), start + length + spare)
    padded[low - start : high - start] = contig[low:high]
    return VariantWindow(name, start, padded, length, length // 2, ref, np.frombuffer(alt, np.uint8))


def check(network: DilatedResnet, windows: Sequence[VariantWindow], config: Config = SMALL) -> None:
    """Fails unless REF and ALT of all windows are those of the plain network."""
    ref, alt = VariantScorer(network, config, "cpu").score(windows)
    assert np.abs(ref - plainly(network, [window.ref_window() for window in windows])).max() < 1e-5
    assert np.abs(alt - plainly(network, [window.alt_window() for window in windows])).max() < 1e-5


VARIANTS = [
    (60, 1, b"A"),
    (60, 1, b"C"),
    (60, 1, b"T"),
    (63, 1, b"G"),
    (66, 3, b"G"),
    (70, 1, b"GTTTTAC"),
    (70, 4, b"ACGT"),
    (75, 20, b"A"),
    (90, 2, b"AC" * 30),
    (110, 5, b"AAAAT"),
    (160, 1, b"A"),
    (230, 60, b"C"),
    (300, 1, b"T"),
]


@pytest.mark.parametrize("reverse", [False, True])
def test_ref_and_alt_of_neighbouring_variants_are_those_of_the_plain_network(reverse: bool) -> None:
    contig = contig_of(400)
    windows = [window_at(contig, *variant, SMALL) for variant in VARIANTS]
    check(network_of(SMALL), [window.reverse() if reverse else window for window in windows])


def test_variants_at_the_ends_of_a_contig_and_among_unknown_bases_are_those_of_the_plain_network() -> None:
    contig = contig_of(120)
    contig[40:55] = ord("N")
    places = [0, 1, 3, 20, 39, 55, 100, 118, 119]
    windows = [window_at(contig, place, 1, b"G", SMALL) for place in places]
    windows += [window_at(contig, 0, 1, b"ACCC", SMALL), window_at(contig, 110, 10, b"A", SMALL)]
    check(network_of(SMALL), windows)


@pytest.mark.parametrize("pooling", ["each", "mean", "max"])
@pytest.mark.parametrize("positions", [1, 3, 21])
def test_every_pooling_over_any_number_of_positions_is_that_of_the_plain_network(pooling: str, positions: int) -> None:
    settings = {**SMALL.model_dump(), "pooling": pooling, "positions": positions, "num_outputs": 21 * 2}
    config = Config.model_validate(settings)
    contig = contig_of(500)
    windows = [window_at(contig, place, ref, alt, config) for place, ref, alt in VARIANTS]
    check(network_of(config), windows, config)


def test_variants_by_chance_on_two_contigs_in_any_order_are_those_of_the_plain_network() -> None:
    random = np.random.default_rng(7)
    windows = []
    for name in ("1", "2"):
        contig = contig_of(600, seed=int(name))
        for _ in range(60):
            alt = bytes(BASES[random.integers(0, 4, random.integers(1, 9))])
            window = window_at(contig, int(random.integers(0, 590)), int(random.integers(1, 9)), alt, SMALL, name)
            windows.append(window.reverse() if random.random() < 0.3 else window)
    random.shuffle(windows)
    check(network_of(SMALL), windows)


def test_a_sequence_without_a_variant_has_no_outputs_of_alt() -> None:
    network = network_of(SMALL)
    contig = contig_of(SMALL.window)
    plain = VariantWindow("", 0, contig, SMALL.window, SMALL.window // 2)
    ref, alt = VariantScorer(network, SMALL, "cpu").score([plain])
    assert np.abs(ref - plainly(network, [contig])).max() < 1e-5
    assert np.isnan(alt).all()


@pytest.mark.parametrize("reverse", [False, True])
def test_windows_that_overlap_are_one_stretch_on_either_strand(reverse: bool) -> None:
    contig = contig_of(400)
    windows = [window_at(contig, place, 1, b"A", SMALL) for place in (60, 64, 64, 90, 300)]
    windows = [window.reverse() if reverse else window for window in windows]
    found = sorted(stretches(windows, SMALL.reach), key=lambda stretch: len(stretch.wanted))
    assert [len(stretch.wanted) for stretch in found] == [1, 4]
    assert len(found[1].bases) == SMALL.window + 30


def test_windows_that_disagree_on_the_reference_are_not_put_together() -> None:
    network = network_of(SMALL)
    windows = [window_at(contig_of(200, seed), 100 + seed, 1, b"A", SMALL) for seed in range(3)]
    assert len(list(stretches(windows, SMALL.reach))) == 3
    check(network, windows)


def test_a_stretch_is_no_longer_than_memory_is_meant_to_hold() -> None:
    contig = contig_of(5_000)
    windows = [window_at(contig, place, 1, b"A", SMALL) for place in range(100, 4_900, 20)]
    assert max(len(stretch.bases) for stretch in stretches(windows, SMALL.reach)) <= 8 * SMALL.window


class _Short(VariantScorer):
    """A device that has memory for so many windows at once."""

    holds = 1

    def _score(self, batch: Any, keep: Any) -> None:
        if sum(len(stretch.wanted) for stretch in batch) > self.holds:
            raise torch.OutOfMemoryError("CUDA out of memory")
        super()._score(batch, keep)


@pytest.mark.parametrize("holds", [1, 3])
def test_where_memory_is_short_stretches_fall_apart_and_the_outputs_stay(holds: int) -> None:
    network = network_of(SMALL)
    contig = contig_of(400)
    windows = [window_at(contig, *variant, SMALL) for variant in VARIANTS]
    short = _Short(network, SMALL, "cpu")
    short.holds = holds
    for got, expected in zip(short.score(windows), VariantScorer(network, SMALL, "cpu").score(windows), strict=True):
        assert np.abs(got - expected).max() < 1e-5


WIDER = SMALL.model_copy(update={"positions": 21})


def both_sides(contig: Bases, place: int, ref: int, alt: bytes) -> VariantWindow:
    """A window whose sides both keep their place, so that ALT is longer or shorter."""
    half = WIDER.window // 2
    bases = contig[place - half : place + half + 1]
    return VariantWindow("1", place - half, bases, len(bases), half, ref, np.frombuffer(alt, np.uint8), "both")


def plain_positions(network: DilatedResnet, bases: Bases) -> np.ndarray:
    """(positions, outputs) of a window of any length."""
    one_hot = torch.from_numpy((bases[None] == BASES[:, None]).astype(np.float32))[None]
    reach = SMALL.reach
    with torch.inference_mode():
        x = network.stem(one_hot)
        total = network.skip(x)
        for number, block in enumerate(network.blocks, start=1):
            x = block(x)
            if number % SMALL.skip_every == 0:
                total = total + network.skips[number // SMALL.skip_every - 1](x)
        return network.head(total)[0, :, reach : total.shape[2] - reach].numpy().T


@pytest.mark.parametrize("holds", [1, 1000])
@pytest.mark.parametrize("reverse", [False, True])
def test_where_both_sides_keep_their_place_every_position_of_a_longer_or_shorter_alt_is_that_of_the_plain_network(
    reverse: bool, holds: int
) -> None:
    contig, network = contig_of(400), network_of(SMALL)
    variants = [(120, 1, b"A"), (121, 1, b"ACGTT"), (123, 3, b"G"), (125, 2, b"T"), (150, 1, b"C" * 30), (290, 4, b"A")]
    windows = [both_sides(contig, *variant) for variant in variants]
    windows = [window.reverse() if reverse else window for window in windows]
    scorer = _Short(network, WIDER, "cpu")
    scorer.holds = holds
    for window, ref, alt in zip(windows, *scorer.each_position(windows), strict=True):
        assert len(alt) - len(ref) == len(window.alt_window()) - window.length
        assert np.abs(ref - plain_positions(network, window.ref_window())).max() < 1e-5
        assert np.abs(alt - plain_positions(network, window.alt_window())).max() < 1e-5


def test_positions_that_no_edit_reaches_are_the_references_to_the_last_bit() -> None:
    config = SMALL.model_copy(update={"positions": 141})
    contig, network = contig_of(600), network_of(SMALL)
    half = config.window // 2
    windows = [
        VariantWindow("1", 300 - half, contig[300 - half :][: config.window], config.window, half, ref, alt, "both")
        for ref, alt in ((1, contig[300:303]), (4, contig[300:301]))
    ]
    for ref, alt in zip(*VariantScorer(network, config, "cpu").each_position(windows), strict=True):
        assert config.positions // 2 > config.reach
        untouched = config.positions // 2 - config.reach
        np.testing.assert_array_equal(alt[:untouched], ref[:untouched])
        np.testing.assert_array_equal(alt[len(alt) - untouched + 4 :], ref[len(ref) - untouched + 4 :])


def test_what_is_added_to_the_variance_of_batch_norms_is_the_settings() -> None:
    config = SMALL.model_copy(update={"norm_eps": 0.25})
    network, contig = build(config).eval(), contig_of(400)
    network.load_state_dict(network_of(SMALL).state_dict())
    assert {module.eps for module in network.modules() if isinstance(module, torch.nn.BatchNorm1d)} == {0.25}
    check(network, [window_at(contig, *variant, config) for variant in VARIANTS], config)


def test_a_device_without_memory_for_one_window_is_a_memory_error() -> None:
    short = _Short(network_of(SMALL), SMALL, "cpu")
    short.holds = 0
    with pytest.raises(MemoryError):
        short.score([window_at(contig_of(400), 200, 1, b"A", SMALL)])


def test_an_edit_reaches_further_with_each_convolution_until_what_is_wanted_no_longer_depends_on_it() -> None:
    assert edit_spans(1, -1, 3, (2, 4, 8)) == [(0, 1), (-2, 3), (-6, 7), (-1, 2)]
    assert edit_spans(0, -1, 3, (2, 4, 8)) == [(0, 0), (-2, 2), (-6, 6), (-1, 2)]


@pytest.mark.parametrize(
    ("key", "value"),
    [("kernels", (4, 5, 7, 7)), ("positions", 2), ("skip_every", 3), ("dilations", (1, 2)), ("num_outputs", 5)],
)
def test_settings_that_cannot_be_are_refused(key: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate({**SMALL.model_dump(), key: value})


def test_the_published_network_takes_ten_thousand_bases_of_context() -> None:
    config = Config(num_outputs=303, positions=101, pooling="each")
    assert config.window == 10_101
    assert sum(weight.numel() for weight in build(config).parameters()) == 696_739
