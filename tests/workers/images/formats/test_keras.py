"""What a Keras file says of itself, and the card beside it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import SpecError
from workers.images.formats import keras
from workers.models.detect import describe


def _write(directory: Path, *layers: dict[str, Any], **card: Any) -> Path:
    """A `.keras` file without weights: nothing reads them to describe it."""
    start = {"class_name": "InputLayer", "config": {"name": "input", "batch_shape": [None, 8, 8, 1]}}
    ends = [_layer("Flatten"), _layer("Dense", units=2, activation="softmax")]
    config = {"class_name": "Sequential", "config": {"layers": [start, *layers, *ends]}}
    with zipfile.ZipFile(directory / "digits.keras", "w") as archive:
        archive.writestr("config.json", json.dumps(config))
    if card:
        (directory / "wardround.json").write_text(json.dumps({"format": "keras"} | card))
    return directory


def _layer(kind: str, **config: Any) -> dict[str, Any]:
    return {"class_name": kind, "config": {"name": kind.lower(), **config}}


def test_columns_are_numbers_of_classes_where_no_card_names_them(tmp_path: Path) -> None:
    name, card = describe(_write(tmp_path), "images")
    assert (name, card.channels, card.value_range) == ("keras", 1, None)
    assert [field.name for field in card.outputs] == ["score_0", "score_1"]
    assert "softmax" in card.outputs[0].meaning


def test_a_card_names_columns_and_steps(tmp_path: Path) -> None:
    card = keras.FORMAT.describe(_write(tmp_path, labels=["normal", "ill"], prepare=[{"resize": {"size": [8, 8]}}]))
    assert [field.name for field in card.outputs] == ["score_normal", "score_ill"]
    assert card.prepare
    assert "prepare_problem" not in card.settings


def test_without_a_card_steps_must_be_in_the_spec(tmp_path: Path) -> None:
    told = keras.FORMAT.describe(_write(tmp_path)).settings["prepare_problem"]
    assert "does not say how its images are made" in told


def test_a_rescaling_at_the_start_says_which_values_go_in(tmp_path: Path) -> None:
    for scale, wanted in ((1 / 255, (0.0, 255.0)), (1 / 127.5, (0.0, 255.0)), (0.3, None)):
        directory = _write(tmp_path, _layer("Rescaling", scale=scale, offset=0.0))
        assert keras.FORMAT.describe(directory).value_range == wanted


def test_labels_that_are_too_few_and_two_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"has 1 labels, digits\.keras gives 2 numbers"):
        keras.FORMAT.describe(_write(tmp_path, labels=["one"]))
    (tmp_path / "other.h5").write_bytes(b"")
    with pytest.raises(SpecError, match="holds 2 files of Keras: name one"):
        keras.FORMAT.describe(_write(tmp_path, labels=["a", "b"]))
