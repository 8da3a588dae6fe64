"""What formats of transformers' text models have in common, seen through the smallest of them."""

from pathlib import Path
from typing import ClassVar

import pytest

from schemas.errors import SecurityError, SpecError
from tests.support.text_models import edit, save_model
from workers.contract import ModelCard
from workers.text_models.format import TransformersFormat
from workers.text_models.token_windows import COUNTS, STEP, ScoreWindows
from workers.text_models.tokenized import Gives


class Plain(TransformersFormat[ScoreWindows]):
    """Nothing of its own."""

    name: ClassVar[str] = "plain"
    gives: ClassVar[Gives] = "texts"
    windows = ScoreWindows


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("format") / "model", "bert", "SequenceClassification")


def card_of(directory: Path, **windows: object) -> ModelCard:
    plain = Plain()
    return plain.card(directory, plain.read_config(directory), (), windows, activation="softmax")


def test_a_card_writes_every_setting_of_the_windows_out(saved: Path) -> None:
    card = card_of(saved, window=32)
    assert (card.format, card.outputs) == ("plain", COUNTS)
    assert card.settings[STEP]["window"] == 32
    assert card.settings[STEP]["stride"] == 0
    assert card.settings["activation"] == "softmax"
    assert card.prepare == ({STEP: card.settings[STEP]},)
    assert card_of(saved).settings[STEP]["window"] == 128


def test_steps_of_a_spec_take_the_place_of_the_authors(saved: Path) -> None:
    plain, card = Plain(), card_of(saved, window=32)
    assert set(plain.steps) == {STEP}
    changed = plain.with_steps(card, [ScoreWindows(window=16, stride=4, aggregation="max")])
    assert (changed.settings[STEP]["window"], changed.settings[STEP]["aggregation"]) == (16, "max")
    assert card.settings[STEP]["window"] == 32
    with pytest.raises(SpecError, match=r"windows\.window is 4096, the model takes at most 128"):
        plain.with_steps(card, [ScoreWindows(window=4096)])


def test_the_encoder_cuts_as_the_card_says(saved: Path) -> None:
    encoder = Plain().open_encoder(saved, card_of(saved, window=8), 1)
    (encoded,) = encoder.encode(["the patient was admitted with acute pneumonia and hypoxia"])
    assert {len(window) for window in encoded.value.windows[:-1]} == {8}
    assert sum(encoded.value.counts) == encoded.value.n_tokens
    assert encoded.value.offsets is None


def test_windows_that_the_author_writes_wrongly_are_told_by_the_file(saved: Path) -> None:
    with pytest.raises(SpecError, match=r"wardround\.json: windows.*'windoww'"):
        card_of(saved, windoww=3)


def test_a_directory_that_could_run_code_is_refused_before_anything_is_loaded(saved: Path, tmp_path: Path) -> None:
    for path in saved.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    edit(tmp_path / "config.json", auto_map={"AutoModel": "modeling.Evil"})
    with pytest.raises(SecurityError):
        Plain().read_config(tmp_path)
