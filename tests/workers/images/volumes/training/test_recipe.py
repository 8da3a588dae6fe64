"""How networks that mark structures are fitted: they learn, go on to the same bits, and leave a model directory."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from schemas.errors import SpecError
from tests.workers.images.volumes.training.support import opened, rows, source, trainer
from workers.images.volumes.card import volume_card
from workers.images.volumes.formats.native import FORMAT
from workers.images.volumes.training.shown import ShownVolumes
from workers.training.average import weights_of
from workers.training.trainer import Fitted


def same(one: Fitted, other: Fitted) -> bool:
    bits = all(torch.equal(one.weights[name], other.weights[name]) for name in one.weights)
    return bits and one.weights.keys() == other.weights.keys() and one.history == other.history


@pytest.mark.parametrize("more", [{}, {"fit": {"epochs": 2, "batch": 4, "average": 0.9, "accumulate": 2}}])
def test_one_that_goes_on_from_any_step_ends_with_the_same_bits(more: dict[str, object]) -> None:
    kept: list[bytes] = []
    whole = trainer(**more).run(None, kept.append, is_time=lambda: True)
    assert len(kept) > 4
    for data in kept[::2]:
        torch.manual_seed(77)
        np.random.default_rng(77)
        assert same(trainer(**more).run(data, lambda data: None), whole)


def test_structures_are_learned_and_the_metric_is_their_mean_dice() -> None:
    fit = {"epochs": 22, "batch": 2, "learning_rate": 0.02, "schedule": "constant"}
    fitted = trainer(count=6, fit=fit, augment=[]).run(None, lambda data: None)
    assert fitted.metric == "dice"
    assert fitted.value is not None
    assert fitted.value > 0.7
    assert fitted.value == max(row["dice"] for row in fitted.history)
    assert fitted.history[-1]["train_loss"] < fitted.history[0]["train_loss"]


def test_the_model_directory_is_one_that_predict_takes(tmp_path: Path) -> None:
    recipe = opened(source(), ShownVolumes(rows(4)))
    files = recipe.files([weights_of(recipe.network())])
    for name, body in files.items():
        (tmp_path / name).write_bytes(body)
    config = json.loads(files["config.json"])
    assert config["format"] == "wardround-volume-model"
    card = FORMAT.describe(tmp_path)
    volume = volume_card(card)
    assert volume is not None
    assert [(one.name, one.label, one.channel) for one in volume.structures] == [("near", 1, 1), ("far", 2, 2)]
    assert volume.windows is not None
    assert volume.windows.roi == recipe.windows.roi
    assert card.prepare == ("z_score",)


def test_of_several_members_the_mean_of_their_probabilities_counts() -> None:
    recipe = opened(source(), ShownVolumes(rows(4)))
    files = recipe.files([weights_of(recipe.network()) for _ in range(2)])
    assert json.loads(files["config.json"])["mean"] == "probabilities"
    assert {"model-0.safetensors", "model-1.safetensors"} <= files.keys()


def test_the_patch_follows_from_the_volumes_and_is_told() -> None:
    recipe = opened(source(), ShownVolumes(rows(4)))
    assert recipe.windows.roi == (14, 14, 12)
    assert recipe.remarks == ("patches of 14 x 14 x 12 voxels, median volume of 12.5 x 13 x 10.5 voxels, 1 x 1 x 1 mm",)


def test_values_of_label_maps_that_no_structure_has_are_told() -> None:
    table = rows(3).to_pylist()
    table[0]["unnamed"], table[1]["unnamed"] = [7, 9], [7]
    recipe = opened(source(), ShownVolumes(pa.Table.from_pylist(table)))
    assert recipe.remarks[1:] == (
        "label maps of 2 training volumes have values that are no structure's (7, 9) and are learned as background",
    )


@pytest.mark.parametrize("network", ["monai.UNet", "monai.DynUNet", "res_unet"])
def test_a_network_that_is_planned_takes_the_patch(network: str) -> None:
    recipe = opened(source(network={"name": network}), ShownVolumes(rows(2)))
    batch, truth = recipe.batch(list(ShownVolumes(rows(2))), np.zeros((2, 1)), np.random.default_rng(0))
    assert batch["voxels"].shape == (2, 1, *recipe.windows.roi)
    assert truth.shape == (2, *recipe.windows.roi)
    loss = recipe.loss(recipe.network().train(), batch, truth)
    assert torch.isfinite(loss)


def test_a_network_that_answers_at_several_sizes_learns_from_all_of_them() -> None:
    steps = [[1, 1, 1], [2, 2, 2], [2, 2, 2], [2, 2, 2]]
    settings = {"kernel_size": [3, 3, 3, 3], "strides": steps, "upsample_kernel_size": steps[1:], "filters": [4] * 4}
    losses = []
    for deep in ({"deep_supervision": True, "deep_supr_num": 2}, {}):
        asked = source(network={"name": "monai.DynUNet", "settings": {**settings, **deep}}, patches={"size": [16] * 3})
        recipe = opened(asked, ShownVolumes(rows(2)))
        torch.manual_seed(0)
        network = recipe.network().train()
        batch, truth = recipe.batch(list(ShownVolumes(rows(2))), np.zeros((2, 1)), np.random.default_rng(0))
        losses.append(recipe.loss(network, batch, truth))
        losses[-1].backward()
        assert all(weight.grad is not None for weight in network.parameters())
        assert recipe.logits(network, batch).shape == (2, 3, 16, 16, 16)
    assert losses[0] != losses[1]


def test_our_own_network_answers_at_several_sizes_while_it_learns_and_at_one_in_predict() -> None:
    settings = {"channels": [4, 6, 8], "strides": [[2, 2, 2], [2, 2, 1]], "deep_supervision": True}
    recipe = opened(source(network={"name": "res_unet", "settings": settings}), ShownVolumes(rows(2)))
    network = recipe.network().train()
    batch, truth = recipe.batch(list(ShownVolumes(rows(2))), np.zeros((2, 1)), np.random.default_rng(0))
    i, j, k = recipe.windows.roi
    assert [answer.shape[2:] for answer in network(batch["voxels"])] == [(i, j, k), (i // 2, j // 2, k // 2)]
    recipe.loss(network, batch, truth).backward()
    assert all(weight.grad is not None for weight in network.parameters())
    assert network.eval()(batch["voxels"]).shape == (2, 3, i, j, k)


def test_a_patch_that_the_network_does_not_divide_is_refused() -> None:
    with pytest.raises(SpecError, match=r"patches.size: 13 x 12 x 12 voxels: the network shrinks a patch by 2 x 2 x 2"):
        opened(source(patches={"size": [13, 12, 12]}), ShownVolumes(rows(2)))


def test_a_network_that_tells_one_answer_of_a_volume_is_refused() -> None:
    with pytest.raises(SpecError, match="marking needs"):
        opened(source(network={"name": "monai.DenseNet121"}, patches={"size": [32, 32, 32]}), ShownVolumes(rows(2)))


def test_what_follows_from_the_data_is_not_set() -> None:
    with pytest.raises(SpecError, match="num_outputs follows from the data"):
        opened(source(network={"name": "res_unet", "settings": {"num_outputs": 5}}), ShownVolumes(rows(2)))
