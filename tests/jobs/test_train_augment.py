"""`augment` of a training: it changes what is learned from and nothing else, and a run is the same again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load

from schemas.errors import SpecError
from tests.support.runs import rows, run
from tests.support.train_runs import predict_spec, train_spec, weights

EVERYTHING = (
    "augment: [flip, {rotate: {degrees: 5}}, {shift: {rows: 0.05}}, {scale: {factor: 1.1}}, intensity, "
    "{noise: {probability: 0.5}}, {blur: {sigma: 0.5}}, cutout, mixup]"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training without augmentation in `plain`, one with all steps in `changed`."""
    folder = tmp_path_factory.mktemp("augment")
    run(train_spec(folder, folder / "plain"))
    run(train_spec(folder, folder / "changed", EVERYTHING))
    return folder


def test_augmentation_changes_the_weights_and_a_second_run_has_the_same_bits(folder: Path, tmp_path: Path) -> None:
    run(train_spec(folder, tmp_path / "again", EVERYTHING))
    assert weights(folder / "changed") == weights(tmp_path / "again")
    plain, changed = (load(next(iter(weights(folder / name).values()))) for name in ("plain", "changed"))
    assert any(not np.array_equal(plain[name], changed[name]) for name in plain)


def test_what_the_model_is_shown_by_predict_is_not_changed(folder: Path, tmp_path: Path) -> None:
    for name in ("one", "other"):
        run(predict_spec(folder, folder / "changed" / "model", tmp_path / name))
    one, other = (rows(tmp_path / name)["score_sick"].to_list() for name in ("one", "other"))
    assert one == other
    assert "augment" not in (folder / "changed" / "model" / "config.json").read_text()


@pytest.mark.parametrize("outputs", ["{grade: {task: classes, classes: [0, 1, 2]}}", "{grade: {task: number}}"])
def test_classes_and_numbers_are_mixed(folder: Path, tmp_path: Path, outputs: str) -> None:
    for name, keys in (("plain", ""), ("mixed", "augment: [{mixup: {alpha: 1}}]")):
        run(train_spec(folder, tmp_path / name, f"outputs: {outputs}\n{keys}", fit="epochs: 1, learning_rate: 0.01"))
    assert weights(tmp_path / "plain") != weights(tmp_path / "mixed")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("augment: [{rotate: {degree: 3}}]", r"augment\[0\] rotate: unknown key 'degree', did you mean 'degrees'"),
        ("augment: [mixup]\noutputs: {grade: {task: ordinal, classes: [0, 1, 2]}}", "mixup is not for ordinal"),
        ("augment: [mixup]\nfit: {batch: 8, accumulate: 5}", "some parts of a step have one image .fit.batch 8,"),
    ],
)
def test_what_cannot_be_done_is_an_error_before_anything_is_read(
    folder: Path, tmp_path: Path, keys: str, said: str
) -> None:
    with pytest.raises(SpecError, match=said):
        run(train_spec(folder, tmp_path / "out", keys))
    assert not (tmp_path / "out").exists()
