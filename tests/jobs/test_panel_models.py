"""Networks over a panel score samples as the plain network does on the panel unpacked by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from schemas.errors import SpecError
from schemas.loading import validate
from tests.support import runs
from tests.support.genotype_runs import spec
from tests.support.panel_models import make_panel_model_directory
from tests.support.plink_files import Cohort, cohort, write_bed
from workers.genomics.contract import GenotypeChunk
from workers.genomics.genotypes import panel as panel_module
from workers.genomics.genotypes.networks import cnn, mlp, transformer
from workers.genomics.genotypes.panel import Encoding, Panel, PanelMatrix

NETWORKS: dict[str, tuple[Any, dict[str, Any]]] = {
    "panel_mlp": (mlp, {"hidden": [8]}),
    "panel_cnn": (cnn, {"channels": [4], "kernels": [5], "pools": [2], "bins": 4}),
    "panel_transformer": (transformer, {"patch": 8, "width": 8, "heads": 2, "layers": 1, "feedforward": 8}),
}
SOURCE = "format: bed, uri: ROOT/cohort.bed"
PLACES = 50


@pytest.fixture(scope="module")
def data() -> Cohort:
    return cohort(77, 90)


@pytest.fixture(scope="module")
def panel(data: Cohort) -> pl.DataFrame:
    """Variants in an order of their own, of either allele, one of them not in the cohort."""
    random = np.random.default_rng(2)
    rows = random.choice([row for row, name in enumerate(data.chrom) if name in ("1", "X")], PLACES - 1, replace=False)
    effect = random.choice(["A", "G"], PLACES - 1)
    known = pl.DataFrame(
        {
            "chrom": ["chr" + data.chrom[row] for row in rows],
            "pos": 5_000_000 + rows,
            "effect_allele": effect,
            "other_allele": np.where(effect == "A", "G", "A"),
            "effect_frequency": random.uniform(0.1, 0.9, PLACES - 1),
        }
    )
    absent = pl.DataFrame(
        {"chrom": ["3"], "pos": [77], "effect_allele": ["A"], "other_allele": ["C"], "effect_frequency": [0.3]}
    )
    return pl.concat([known[:20], absent, known[20:]])


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, data: Cohort, panel: pl.DataFrame) -> Path:
    root = tmp_path_factory.mktemp("panel")
    write_bed(root, data)
    for scale, (name, (_, settings)) in zip(("standardise", "centre", "copies"), NETWORKS.items(), strict=True):
        more: dict[str, Any] = {"scale": scale, "embedding": name == "panel_mlp"}
        make_panel_model_directory(root / name, name, panel, 3, settings, labels=("a", "b"), **more)
    return root


def by_hand(data: Cohort, panel: pl.DataFrame, scale: str, ploidy: str = "observed") -> NDArray[np.float32]:
    """(samples, panel): copies of each effect allele, missing ones filled, scaled as the directory says."""
    columns = []
    for chrom, pos, effect, _, frequency in panel.iter_rows():
        row = pos - 5_000_000
        one = (data.sex == 1) & (chrom == "chrX") & (ploidy == "observed")
        copies = np.full(len(data.sex), np.nan)
        if 0 <= row < len(data.chrom):
            calls = data.calls[row].astype(float)
            # A is REF in the cohort's files.
            copies = np.where(calls == 3, np.nan, calls if effect == "G" else 2 - calls)
        filled = np.where(np.isnan(copies), 2 * frequency, copies) * np.where(one, 0.5, 1.0)
        centred = filled - (0 if scale == "copies" else 2 * frequency)
        columns.append(centred / (np.sqrt(2 * frequency * (1 - frequency)) if scale == "standardise" else 1))
    return np.stack(columns, axis=1).astype(np.float32)


def plain(root: Path, name: str, x: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Probabilities and features of the network in that directory."""
    module, settings = NETWORKS[name]
    network = module.build(validate(module.Config, {**settings, "num_variants": PLACES, "num_outputs": 2}))
    network.load_state_dict(load_file(root / name / "model.safetensors"))
    network.eval()
    with torch.no_grad():
        features = network.features(torch.from_numpy(x))
        return torch.sigmoid(network.head(features)).numpy(), features.numpy()


def test_scores_are_those_of_the_plain_network(root: Path, data: Cohort, panel: pl.DataFrame) -> None:
    models = "\n  ".join(f"{name}: {{uri: ROOT/{name}}}" for name in NETWORKS)
    runs.run(spec(root, SOURCE, models=models))
    rows = runs.rows(root / "out")
    for name, scale in zip(NETWORKS, ("standardise", "centre", "copies"), strict=True):
        scores, features = plain(root, name, by_hand(data, panel, scale))
        found = rows.select(f"{name}__score_a", f"{name}__score_b").to_numpy()
        np.testing.assert_allclose(found, scores, atol=1e-5)
        if name == "panel_mlp":
            np.testing.assert_allclose(np.stack(rows[f"{name}__embedding"].to_list()), features, atol=1e-4)
    at = [pos - 5_000_000 for pos in panel["pos"] if pos > 77]
    missing = (data.calls[at] == 3).sum(axis=0) + 1
    np.testing.assert_allclose(rows["panel_cnn__filled_rate"].to_numpy(), missing / PLACES, atol=1e-6)


def test_a_batch_of_any_size_gives_the_same_scores(
    root: Path, data: Cohort, panel: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.genomics.genotypes.formats.panel_loaded.BATCH_BYTES", 3000)
    runs.run(spec(root, SOURCE + ", chunk_bytes: 50", models="m: {uri: ROOT/panel_mlp}", out="small"))
    scores, _ = plain(root, "panel_mlp", by_hand(data, panel, "standardise"))
    np.testing.assert_allclose(runs.rows(root / "small")["score_a"].to_numpy(), scores[:, 0], atol=1e-5)


def test_a_model_directory_may_say_that_calls_have_two_alleles(root: Path, data: Cohort, panel: pl.DataFrame) -> None:
    more = {"scale": "copies", "prepare": [{"haploid": {"ploidy": "diploid"}}]}
    make_panel_model_directory(root / "two", "panel_mlp", panel, 3, {"hidden": [8]}, labels=("a", "b"), **more)
    runs.run(spec(root, SOURCE, models="m: {uri: ROOT/two}", out="two-out"))
    module, settings = NETWORKS["panel_mlp"]
    network = module.build(validate(module.Config, {**settings, "num_variants": PLACES, "num_outputs": 2}))
    network.load_state_dict(load_file(root / "two/model.safetensors"))
    scores = torch.sigmoid(network(torch.from_numpy(by_hand(data, panel, "copies", "diploid")))).detach().numpy()
    np.testing.assert_allclose(runs.rows(root / "two-out")["score_b"].to_numpy(), scores[:, 1], atol=1e-5)


def test_too_little_of_a_panel_is_a_status(root: Path, panel: pl.DataFrame) -> None:
    far = panel.with_columns(pl.when(pl.int_range(pl.len()) % 2 == 0).then(5).otherwise("pos").alias("pos"))
    far = far.with_columns(pl.col("pos") + pl.int_range(pl.len()) * (pl.col("pos") == 5).cast(pl.Int64))
    make_panel_model_directory(root / "far", "panel_mlp", far, 3, {"hidden": [8]})
    runs.run(spec(root, SOURCE, models="m: {uri: ROOT/far}", out="far-out"))
    rows = runs.rows(root / "far-out")
    assert rows["status"].unique().to_list() == ["low_overlap"]
    assert rows["score_outcome"].null_count() == rows.height


def test_dosages_and_calls_of_one_allele_are_encoded_one_by_one() -> None:
    frequency = np.array([0.25, 0.5])
    places = pl.DataFrame(
        {"place": [1, 0], "variant_idx": [10, 20], "flip": [0, 1], "others": [[], []]}, schema=dict(panel_module.PLACES)
    )
    matrix = PanelMatrix(Panel(places, Encoding(frequency, "copies")), 5)
    # Codes 0, 1, 2, missing, 2 of variant 10 with one allele in the last; dosages of variant 20.
    packed = np.array([[0b11_10_01_00, 0b10], [0b11_10_01_00, 0b10]], np.uint8)
    haploid = np.array([[0b10000], [0b10000]], np.uint8)
    matrix.add(GenotypeChunk(np.array([10, 99]), 5, packed, haploid=haploid))
    dosage = np.array([[0.0, 0.5, 1.25, np.nan, 2.0]], np.float32)
    matrix.add(GenotypeChunk(np.array([20]), 5, packed[:1], dosage, haploid[:1]))
    ten, twenty = [0, 1, 2, 2 * 0.5, 1], [2, 1.5, 0.75, 2 * 0.25, 0]
    expected = np.array([twenty, ten], np.float32).T
    np.testing.assert_allclose(matrix.inputs(0, 5), expected)
    np.testing.assert_allclose(matrix.inputs(3, 5), expected[3:])
    assert matrix.filled.tolist() == [0, 0, 0, 2, 0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"effect_frequency": None}, "effect_frequency is null in row 1"),
        ({"effect_frequency": 1.5}, "not between 0 and 1"),
        ({"effect_allele": "<DEL>"}, "not a sequence of bases"),
        ({"effect_frequency": 1.0}, "leave them out of the panel"),
    ],
)
def test_a_panel_that_cannot_be_is_refused(tmp_path: Path, panel: pl.DataFrame, change: Any, says: str) -> None:
    ((name, value),) = change.items()
    wrong = panel.with_columns(
        pl.when(pl.int_range(pl.len()) == 0).then(pl.lit(value, panel.schema[name])).otherwise(name).alias(name)
    )
    with pytest.raises(SpecError, match=says):
        make_panel_model_directory(tmp_path / "m", "panel_mlp", wrong, scale="standardise")


def test_a_panel_of_another_build_or_without_values_is_refused(root: Path) -> None:
    models = "m: {uri: ROOT/panel_mlp}"
    with pytest.raises(SpecError, match="panel is of GRCh38"):
        runs.run(spec(root, SOURCE, models=models, out="x").replace("build: GRCh38", "build: GRCh37"))
    with pytest.raises(SpecError, match="needs a value for every variant"):
        runs.run(spec(root, SOURCE, models=models, out="x", more="prepare: [{impute: {missing: none}}]"))
