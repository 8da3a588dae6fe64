"""The models of a run in a worker are those that the run names, file by file, and stay so while they are loaded."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cluster.storage import StorageSettings, fetch_directory
from schemas.errors import RefusedError, SpecError, UsageError, WardroundError
from tests.support import counting_notes
from tests.support.counting_notes import CountingNotes, write_model
from workers import registry
from workers.contract import ModelCard, Placement
from workers.models.detect import Formats
from workers.pipeline.opened import RunModels, load_scorer, load_scorers, open_encoder
from workers.text_models.contract import TextFormat

STEPS = [{"prefix": {"characters": 3}}]


@pytest.fixture(autouse=True)
def _formats(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(registry.FORMATS, "notes", {"counting": "tests.support.counting_notes"})
    monkeypatch.setenv("WARDROUND_CACHE", str(tmp_path / "cache"))


def settle(card: ModelCard, steps: Any) -> ModelCard:
    return replace(card, settings={**card.settings, "prefixes": [step["prefix"] for step in steps]})


def a_run(*directories: Path) -> Any:
    """What `RunModels` asks of a stage's context; models are named by their directories."""
    records = {
        path.name: SimpleNamespace(uri=str(path), sha256=fetch_directory(str(path)).digest) for path in directories
    }
    parts = {"models": {name: record.sha256 for name, record in records.items()}}
    run = SimpleNamespace(models=records, parts=parts, prepare=dict.fromkeys(records, tuple(STEPS)))
    return SimpleNamespace(run=run, own_storage=StorageSettings(), cpus=2.5, gpus=0)


def models_of(context: Any) -> RunModels[TextFormat]:
    return RunModels(context, Formats[TextFormat]("notes"), settle)


def test_models_come_in_the_order_of_the_run_with_their_card_under_its_steps(tmp_path: Path) -> None:
    context = a_run(write_model(tmp_path / "b", refuses="x"), write_model(tmp_path / "a"))
    models = models_of(context)
    opened = list(models)
    assert [(one.name, one.uri, one.steps) for one in opened] == [
        ("b", str(tmp_path / "b"), tuple(STEPS)),
        ("a", str(tmp_path / "a"), tuple(STEPS)),
    ]
    assert {one.directory for one in opened} == {tmp_path / "cache" / one.fetched.digest for one in opened}
    assert opened[0].card.settings == {"refuses": "x", "prefixes": [{"characters": 3}]}
    assert (models.names, models.device, models.threads) == (["b", "a"], "cpu", 2)
    assert models["a"] is opened[1]
    assert [one.value for one in open_encoder(models, "a").encode(["abcd"])] == ["abc"]
    assert {name: scorer.score(["ab"])["characters"] for name, scorer in load_scorers(models).items()} == {
        "b": [2],
        "a": [2],
    }


def test_other_files_than_those_of_the_run_are_refused(tmp_path: Path) -> None:
    context = a_run(write_model(tmp_path / "a"))
    (tmp_path / "a" / "config.json").write_text(json.dumps({"format": "counting-notes", "refuses": "y"}))
    with pytest.raises(RefusedError, match="restore the files"):
        models_of(context)["a"]


def test_a_model_that_is_not_in_the_fingerprint_is_not_opened(tmp_path: Path) -> None:
    context = a_run(write_model(tmp_path / "a"), write_model(tmp_path / "b", refuses="x"))
    context.run.parts["models"]["a"] = context.run.parts["models"]["b"]
    with pytest.raises(WardroundError, match=r"model a is not part of the run's fingerprint"):
        models_of(context)["a"]


def test_a_model_that_could_not_be_fetched_is_asked_for_again(tmp_path: Path) -> None:
    context = a_run(write_model(tmp_path / "a"))
    (tmp_path / "a").rename(tmp_path / "away")
    models = models_of(context)
    with pytest.raises(UsageError):
        models["a"]
    (tmp_path / "away").rename(tmp_path / "a")
    assert models["a"].name == "a"


class Spoiling(CountingNotes):
    """Its files are changed by somebody while it is loaded."""

    def load(self, directory: Path, card: ModelCard, placement: Placement) -> counting_notes.Scorer:
        (directory / "config.json").write_text(json.dumps({"format": "counting-notes", "refuses": "all"}))
        return super().load(directory, card, placement)


class Exchanging(CountingNotes):
    """The directory is another one while it is loaded, and lies there as it was before and after."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def load(self, directory: Path, card: ModelCard, placement: Placement) -> counting_notes.Scorer:
        kept = (self.place / "config.json").read_bytes()
        (self.place / "config.json").write_text(json.dumps({"format": "counting-notes", "refuses": "abcd"}))
        try:
            return super().load(directory, self.describe(directory), placement)
        finally:
            (self.place / "config.json").write_bytes(kept)


def test_a_directory_that_is_exchanged_for_the_time_of_loading_is_loaded_as_it_was_hashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting_notes, "FORMAT", Exchanging(write_model(tmp_path / "a")))
    scorer = load_scorer(models_of(a_run(tmp_path / "a")), "a")
    assert scorer.score(["abcd"])["characters"] == [4]


def test_what_is_wrong_in_a_directory_is_said_of_the_place_that_the_run_names(tmp_path: Path) -> None:
    context = a_run(write_model(tmp_path / "a"))
    models = models_of(context)
    with pytest.raises(SpecError, match=f"^{tmp_path / 'a'}/config.json: is wrong"), models["a"].reading():
        raise SpecError(f"{models['a'].directory}/config.json: is wrong")


def test_a_model_whose_files_change_while_it_is_loaded_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting_notes, "FORMAT", Spoiling())
    with pytest.raises(RefusedError):
        load_scorer(models_of(a_run(write_model(tmp_path / "a"))), "a")
