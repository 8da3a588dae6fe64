"""`wardround init` looks at the data and writes a commented spec that runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.spec_source import spec_from
from schemas.loading import validate
from tests.support.cli import Wardround
from tests.support.mistakes.world import WORLDS
from workers.lookup import Room
from workers.registry import COLLECTIONS, CONVERTERS, collections, converters


def made(wardround: Wardround, name: str, folder: Path, *more: str, place: str = "") -> tuple[dict[str, Any], str]:
    """The spec that was written for the world of this name, and its text."""
    world = WORLDS[name](folder)
    source = world["input"]
    kind = source.get("collection") or source["format"]
    words = [word for ref in world.get("models", {}).values() for word in ("--model", ref["uri"])]
    words = ["init", kind, "--input", place or source["uri"], *words, "--to", "HERE/new.yaml", *more]
    said = wardround(*(word.replace("HERE", str(folder)) for word in words))
    assert said.code == 0, said.err
    text = (folder / "new.yaml").read_text()
    return yaml.safe_load(text), text


@pytest.mark.parametrize("name", sorted({*WORLDS} - {"notes", "native", "events", "genotypes", "evaluate", "train"}))
def test_the_spec_runs(name: str, wardround: Wardround, tmp_path: Path) -> None:
    made(
        wardround, name, tmp_path, "--output", "HERE/out", *(["--set", "reference=HERE/ref.fa"] * (name == "sequences"))
    )
    spec = tmp_path / "new.yaml"
    spec.write_text(spec.read_text().replace("compute: {", "compute: {pool: serial, "))
    said = wardround("run", spec, "--progress", "none")
    assert said.code == 0, said.err


@pytest.mark.parametrize("name", ["train", "evaluate"])
def test_a_training_and_an_evaluation_are_written_from_a_table_of_labels_and_run(
    name: str, wardround: Wardround, tmp_path: Path
) -> None:
    source = WORLDS[name](tmp_path)["input"]
    kind, place = {"train": ("train-images", source.get("uri")), "evaluate": ("evaluate", source.get("run"))}[name]
    words = [
        "init",
        kind,
        "--input",
        place,
        "--labels",
        "HERE/labels.csv",
        "--to",
        "HERE/n.yaml",
        "--output",
        "HERE/out",
    ]
    said = wardround(*(word.replace("HERE", str(tmp_path)) for word in words))
    assert said.code == 0, said.err
    spec = tmp_path / "n.yaml"
    found = yaml.safe_load(spec.read_text())["input"]
    asked = found["outputs"]["sick"] if name == "train" else found["outcomes"]["score"]
    assert (found["labels"]["key"], asked["truth"]) == ("image" if name == "train" else "record_id", "sick")
    text = spec.read_text().replace("compute: {", "compute: {pool: serial, ")
    spec.write_text(text.replace("# fit: {}", "fit: {epochs: 1}"))
    said = wardround("run", spec, "--progress", "none")
    assert said.code == 0, said.err


def test_labels_are_of_trainings_and_evaluations_alone(wardround: Wardround, tmp_path: Path) -> None:
    said = wardround("init", "fhir", "--input", tmp_path, "--labels", tmp_path / "x.csv", "--to", tmp_path / "n.yaml")
    assert said.code == 2
    assert "a convert job has no labels: leave out --labels" in said.err


def test_columns_are_listed_and_those_that_serve_for_something_are_named(wardround: Wardround, tmp_path: Path) -> None:
    folder = tmp_path
    spec, text = made(wardround, "notes", folder)
    assert spec["input"] == {
        "collection": "notes",
        "uri": str(folder / "notes.csv"),
        "record_id": "note_id",
        "subject_id": "subject_id",
        "time": "time",
        "text": "text",
    }
    (folder / "reports.csv").write_text("report_id;patient_id;body;ward\n1;2;fever;A\n")
    wardround(
        "init", "notes", "--input", folder / "reports.csv", "--model", folder / "words", "--to", folder / "b.yaml"
    )
    text = (folder / "b.yaml").read_text()
    found = yaml.safe_load(text)["input"]
    assert (found["record_id"], found["text"], found["delimiter"]) == ("report_id", "body", ";")
    assert "# columns: ward\n" in text


def test_visits_are_the_task_of_events_where_there_are_some_else_the_last_day(
    wardround: Wardround, tmp_path: Path
) -> None:
    spec, _ = made(wardround, "events", tmp_path)
    assert set(spec["input"]["task"]) & {"every", "at"}


def test_a_plink_file_is_known_by_its_name_and_without(wardround: Wardround, tmp_path: Path) -> None:
    spec, text = made(wardround, "genotypes", tmp_path, place="HERE/cohort")
    assert spec["input"]["format"] == "bed"
    assert "# build is not said by the files" in text


def test_a_key_that_is_not_said_stands_in_a_comment_with_its_meaning(wardround: Wardround, tmp_path: Path) -> None:
    _, text = made(wardround, "table", tmp_path)
    assert "  # carry: []   # columns of the table" in text
    assert "  # columns: sex, hospital\n" in text


def test_what_is_lacking_is_said_and_the_file_is_written_all_the_same(wardround: Wardround, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    WORLDS["molecules"](tmp_path)
    said = wardround(
        "init",
        "molecules",
        "--input",
        tmp_path / "x.csv",
        "--model",
        tmp_path / "properties",
        "--to",
        tmp_path / "y.yaml",
    )
    assert said.code == 2
    assert "y.yaml is written and does not run yet: " in said.err
    assert "'smiles'" in said.err
    assert "# no column is called like SMILES: name one" in (tmp_path / "y.yaml").read_text()


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["init", "imgaes", "--input", "x", "--model", "m"], "did you mean 'images'?"),
        (["init", "images", "--input", "x"], "give --model DIRECTORY"),
        (["init", "fhir", "--input", "x", "--model", "m"], "leave out --model"),
        (["init", "images", "--input", "x", "--model", "m", "--set", "build"], "write it as key=value"),
        (["init", "images", "--input", "x", "--model", "m", "--set", "biuld=1"], "no such key of input"),
    ],
)
def test_what_is_typed_wrong_is_named(words: list[str], part: str, wardround: Wardround, tmp_path: Path) -> None:
    said = wardround(*words, "--to", tmp_path / "a.yaml")
    assert said.code == 2
    assert part in said.err


def test_a_file_that_is_there_is_not_written_over(wardround: Wardround, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("mine")
    said = wardround("init", "fhir", "--input", tmp_path, "--to", tmp_path / "a.yaml")
    assert (said.code, (tmp_path / "a.yaml").read_text()) == (2, "mine")
    assert "is there already" in said.err


@pytest.mark.parametrize("kind", [*COLLECTIONS, *CONVERTERS])
def test_every_kind_gives_a_spec_whose_keys_are_known(kind: str, tmp_path: Path) -> None:
    from jobs.drafting import _key
    from workers.drafts import Draft

    place = {**dict(collections()), **dict(converters())}[kind]
    settings = Room(place).get("settings", "INPUT")
    lines = [line for name, field in settings.model_fields.items() for line in _key(name, field, {})]
    assert len(lines) == len(settings.model_fields)
    assert all("#" in line for line in lines)
    assert Draft().keys == {}


def test_a_spec_on_standard_output_is_one(wardround: Wardround, tmp_path: Path) -> None:
    WORLDS["images"](tmp_path)
    said = wardround("init", "images", "--input", tmp_path / "images", "--model", tmp_path / "model", "--to", "-")
    (tmp_path / "s.yaml").write_text(said.out)
    assert validate(type(spec_from(tmp_path / "s.yaml")), yaml.safe_load(said.out)).models
