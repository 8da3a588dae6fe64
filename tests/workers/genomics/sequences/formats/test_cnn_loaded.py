from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.variants import random_bases, save_cnn
from workers.contract import Placement
from workers.genomics.sequences.formats.cnn import FORMAT
from workers.genomics.sequences.formats.cnn_loaded import CnnScorer, load
from workers.genomics.sequences.steps import parse_steps, settled
from workers.genomics.sequences.windows import VariantWindow

LENGTH = 89


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_cnn(tmp_path_factory.mktemp("cnn") / "model")


def scorer(folder: Path, *steps: str) -> CnnScorer:
    card = settled(FORMAT.describe(folder), parse_steps(list(steps)))
    return load(folder, card, Placement("cpu", 1))


def window(alt: bytes | None = b"A") -> VariantWindow:
    bases = np.frombuffer(random_bases(LENGTH, 3).encode(), np.uint8)
    return VariantWindow("1", 0, bases, LENGTH, 44, 1, None if alt is None else np.frombuffer(alt, np.uint8))


def test_scores_are_probabilities_and_a_sequence_without_a_variant_has_one_side(folder: Path) -> None:
    ref, alt = scorer(folder).score([window(), window(b"C")])
    assert alt is not None
    assert ref.shape == alt.shape == (2, 2)
    assert ((ref > 0) & (ref < 1) & (alt > 0) & (alt < 1)).all()
    alone, none = scorer(folder).score([window(None)])
    assert none is None
    np.testing.assert_allclose(alone[0], ref[0], rtol=1e-5)


def test_of_both_strands_it_is_the_mean_of_the_scores(folder: Path) -> None:
    forward, backward = (scorer(folder).score([one]) for one in (window(), window().reverse()))
    both = scorer(folder, "both_strands").score([window()])
    for side in range(2):
        parts = [strand[side] for strand in (forward, backward)]
        mean = (np.asarray(parts[0], np.float64) + np.asarray(parts[1], np.float64)) / 2
        np.testing.assert_allclose(np.asarray(both[side]), mean, rtol=1e-5)


def test_the_columns_are_those_of_the_card(folder: Path) -> None:
    card = settled(FORMAT.describe(folder), parse_steps([]))
    assert scorer(folder).outputs == card.outputs == replace(card, prepare=()).outputs
