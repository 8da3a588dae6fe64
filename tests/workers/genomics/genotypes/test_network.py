from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import torch

from schemas.status import Status
from tests.support.panel_models import make_panel_model_directory
from workers.genomics.contract import GenotypeChunk
from workers.genomics.genotypes.contract import PanelScorer
from workers.genomics.genotypes.models import GenotypeModel
from workers.genomics.genotypes.network import Network, NetworkTaker, open_network
from workers.genomics.genotypes.panel import PLACES
from workers.genomics.genotypes.steps import parse_steps
from workers.genomics.kernels.codes import pack
from workers.models.detect import describe

VARIANTS = pl.DataFrame(
    {
        "chrom": ["1", "1", "2"],
        "pos": [1, 2, 3],
        "effect_allele": ["A", "A", "C"],
        "other_allele": ["G", "G", "T"],
        "effect_frequency": [0.5, 0.25, 0.1],
    }
)
MATCHED = pl.DataFrame([(0, 7, 0, []), (2, 9, 1, [])], schema=PLACES, orient="row")
"""The second place of the panel is not among the genotypes; the third counts REF."""
SOURCE = pl.DataFrame({"variant_idx": [7, 9], "alt": ["G", "C"]})


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> GenotypeModel:
    folder = tmp_path_factory.mktemp("net") / "panel"
    make_panel_model_directory(folder, "panel_mlp", VARIANTS, settings={"hidden": [4]}, activation="none")
    return GenotypeModel("net", folder, describe(folder, "genotypes")[1], parse_steps([]))


def opened(model: GenotypeModel, low: str | None = None) -> Network:
    return open_network(model, MATCHED, SOURCE, low, "cpu", threads=1)


def test_the_network_sees_each_place_as_called_or_as_the_panel_expects(model: GenotypeModel) -> None:
    network = opened(model)
    taker = NetworkTaker(network, 2)
    assert taker.wanted.tolist() == [7, 9]
    taker.add(GenotypeChunk(np.array([7, 8, 9]), 2, pack(np.array([[1, 3], [2, 2], [0, 2]], np.int8))))
    answer = taker.finish()
    scorer: PanelScorer = network.scorer
    seen = np.array([[1.0, 0.5, 2.0], [1.0, 0.5, 0.0]], np.float32)
    expected = scorer.score(2, lambda first, last: seen[first:last])["score_outcome"]
    np.testing.assert_allclose(np.array(answer.values["score_outcome"]), expected, rtol=1e-6)
    np.testing.assert_allclose(np.array(answer.values["filled_rate"]), [1 / 3, 2 / 3], rtol=1e-6)
    assert (list(answer.statuses), list(answer.details)) == ([Status.OK] * 2, [None] * 2)


def test_too_little_of_a_panel_reads_nothing_and_scores_nothing(model: GenotypeModel) -> None:
    taker = NetworkTaker(opened(model, low="1 of 3 variants"), 2)
    assert len(taker.wanted) == 0
    taker.add(GenotypeChunk(np.array([7]), 2, pack(np.array([[1, 1]], np.int8))))
    answer = taker.finish()
    assert list(answer.statuses) == [Status.LOW_OVERLAP] * 2
    assert list(answer.details) == ["1 of 3 variants"] * 2
    assert answer.values == {"score_outcome": [None, None], "filled_rate": [None, None]}


def test_a_sample_whose_score_is_no_number_has_none(model: GenotypeModel) -> None:
    network = opened(model)
    with torch.no_grad():
        network.scorer.network.head.bias.fill_(float("nan"))
    answer = NetworkTaker(network, 2).finish()
    assert list(answer.statuses) == [Status.INVALID_OUTPUT] * 2
    assert answer.values["score_outcome"].to_pylist() == [None, None]
