"""What a network is shown in a training is what `predict` shows it, and so are its logits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import torch

from schemas.errors import SpecError
from tests.support.planted_panel import rows_of
from workers.contract import Placement
from workers.genomics.contract import GenotypeChunk
from workers.genomics.genotypes.formats.panel import FORMAT, Scale
from workers.genomics.genotypes.formats.panel_variants import VARIANTS, read_panel
from workers.genomics.genotypes.panel import PLACES, Encoding, Panel, PanelMatrix
from workers.genomics.genotypes.training.copies import SHOWN, HeldCopies, columns_of, unfilled
from workers.genomics.genotypes.training.package import write_trained
from workers.genomics.genotypes.training.recipe import PanelRecipe, fit_panel
from workers.genomics.kernels.codes import pack
from workers.models.head import Head
from workers.training.held import Held, HeldExamples

SAMPLES = 40
FIXED = 3
"""The place of the panel that is the same in all training samples."""
WANTED = pl.DataFrame(
    {
        "chrom": ["1"] * 6,
        "pos": range(1, 7),
        "effect_allele": ["A"] * 6,
        "other_allele": ["G"] * 6,
        "effect_frequency": [0.5] * 6,
    }
)
MATCHED = pl.DataFrame([(place, 10 + place, place % 2, []) for place in range(6)], schema=PLACES, orient="row")


def chunks() -> list[GenotypeChunk]:
    """Calls with some missing, some of one allele, and a variant with dosages of which some are missing."""
    chance = np.random.default_rng(2)
    codes = chance.choice([0, 1, 2, 3], (6, SAMPLES), p=[0.4, 0.3, 0.2, 0.1]).astype(np.int8)
    codes[FIXED] = 2
    haploid = np.zeros((6, SAMPLES), bool)
    haploid[4, ::2] = True
    codes[4, ::2][codes[4, ::2] == 1] = 2
    bits, packed = np.packbits(haploid, axis=1, bitorder="little"), pack(codes)
    dosage = np.where(codes[5:] == 3, np.nan, chance.uniform(0, 2, SAMPLES)).astype(np.float32)
    calls = GenotypeChunk(np.arange(10, 15), SAMPLES, packed[:5], haploid=bits[:5])
    return [calls, GenotypeChunk(np.array([15]), SAMPLES, packed[5:], dosage)]


def matrix(places: pl.DataFrame, encoding: Encoding) -> PanelMatrix:
    found = PanelMatrix(Panel(places, encoding), SAMPLES)
    for chunk in chunks():
        found.add(chunk)
    return found


def examples() -> HeldExamples[HeldCopies]:
    columns = columns_of(matrix(MATCHED, unfilled(6)), SAMPLES)
    held = HeldCopies(pa.table({field.name: pa.array(columns[field.name], field.arrow_type) for field in SHOWN}))
    return HeldExamples(held, len(held))


def recipe(scale: Scale = "standardise") -> PanelRecipe:
    return PanelRecipe("panel_mlp", {"hidden": [4], "dropout": 0.3}, fit_panel(examples()[:30]), scale, 1)


@pytest.mark.parametrize("scale", ["copies", "centre", "standardise"])
def test_a_network_is_shown_what_predict_shows_it(scale: Scale) -> None:
    made = recipe(scale)
    kept = made.panel.kept.tolist()
    assert kept == [0, 1, 2, 4, 5]
    places = MATCHED.filter(pl.col("place") != FIXED).with_columns(place=pl.int_range(pl.len(), dtype=pl.Int64))
    expected = matrix(places, Encoding(made.panel.frequency, scale)).inputs(0, SAMPLES)
    batch, _ = made.batch(examples()[:], np.zeros((SAMPLES, 1)), None)
    np.testing.assert_allclose(batch["x"].numpy(), expected, rtol=0, atol=1e-6)
    hard = [column for column in range(5) if kept[column] != 5]
    assert np.array_equal(batch["x"].numpy()[:, hard], expected[:, hard])


def test_the_directory_scores_as_the_trainer_did(tmp_path: Path) -> None:
    made = recipe()
    torch.manual_seed(1)
    network = made.network().eval()
    write_trained(
        tmp_path, made, WANTED, [network.state_dict()], Head(activation="none", labels=("x",)), genome_build="GRCh38"
    )
    card = FORMAT.describe(tmp_path)
    stored = read_panel(tmp_path / VARIANTS)
    assert stored["pos"].to_list() == [1, 2, 3, 5, 6]
    places = MATCHED.filter(pl.col("place") != FIXED).with_columns(place=pl.int_range(pl.len(), dtype=pl.Int64))
    shown = matrix(places, Encoding(stored["effect_frequency"].to_numpy(), card.settings["scale"])).inputs
    found = FORMAT.load(tmp_path, card, Placement("cpu")).score(SAMPLES, shown)["score_x"]
    batch, _ = made.batch(examples()[:], np.zeros((SAMPLES, 1)), None)
    with torch.no_grad():
        expected = made.logits(network, batch)[:, 0].numpy()
    assert np.abs(found - expected).max() < 1e-6
    assert expected.std() > 1e-3


def test_frequencies_are_those_of_the_training_samples_by_their_alleles() -> None:
    copies = np.array([[2, 1], [0, -1], [1, 1], [2, 2]], np.float32)
    held = HeldCopies(rows_of(copies, [[], [], [1], []], chunk=2))
    fitted = fit_panel([Held(held, record) for record in (0, 1, 2)])
    assert fitted.kept.tolist() == [0, 1]
    assert fitted.frequency.tolist() == [3 / 6, 2 / 3]


def test_a_sample_of_one_allele_is_filled_with_one_frequency() -> None:
    copies = np.array([[2, 1], [0, -1], [1, -0.5], [2, 2]], np.float32)
    held = HeldCopies(rows_of(copies, [[], [], [1], []], chunk=3))
    all_of_them = HeldExamples(held, 4)
    made = PanelRecipe("panel_mlp", {}, fit_panel(all_of_them[:]), "copies", 1)
    batch, _ = made.batch(all_of_them[:], np.zeros((4, 1)), None)
    assert batch["x"][:, 1].tolist() == [1, 1.5, 0.75, 2]


def test_a_panel_in_which_nobody_differs_is_refused() -> None:
    held: Any = HeldCopies(rows_of(np.full((3, 2), 2, np.float32), [[]] * 3))
    with pytest.raises(SpecError, match=r"input\.panel: no variant of it differs among the training samples"):
        fit_panel(HeldExamples(held, 3)[:])
