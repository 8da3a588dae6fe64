"""One rule for the prepare lists of all collections: what is read and what is refused, by the schema too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from schemas.errors import SpecError
from workers.ehr.notes import steps as notes
from workers.ehr.notes.formats.spacy import pipeline
from workers.genomics.genotypes import steps as genotypes
from workers.genomics.sequences import steps as sequences
from workers.images import steps as images
from workers.molecules import steps as molecules
from workers.prepare_list import list_schema

Read = Callable[[Any], Any]
CASES: dict[str, tuple[Read, list[tuple[str, type[BaseModel]]], str, dict[str, Any]]] = {
    "images": (images.parse_steps, list(images.STEPS.items()), "clahe", {"clip_limit": 3}),
    "notes": (
        lambda raw: notes.split_steps(raw, pipeline.FORMAT.steps),
        [*notes.STEPS.items(), *pipeline.FORMAT.steps.items()],
        "language",
        {"tokens": "spacy"},
    ),
    "genotypes": (genotypes.parse_steps, list(genotypes.STEPS.items()), "haploid", {"ploidy": "diploid"}),
    "sequences": (sequences.parse_steps, list(sequences.STEPS.items()), "window", {"length": 9}),
    "molecules": (molecules.parse_steps, list(molecules.STEPS.items()), "smiles", {"form": "given"}),
}
"""How a list is read, all steps, the name of one whose settings have defaults, and some settings of it."""

every_collection = pytest.mark.parametrize("collection", CASES)


def schema_of(steps: list[tuple[str, type[BaseModel]]]) -> jsonschema.Draft202012Validator:
    models = [model for _, model in steps]
    refs, document = models_json_schema([(model, "validation") for model in models], ref_template="#/$defs/{model}")
    return jsonschema.Draft202012Validator({**list_schema(steps, lambda model: refs[model, "validation"]), **document})


def is_read(read: Read, raw: object) -> bool:
    try:
        read(raw)
    except SpecError:
        return False
    return True


@every_collection
def test_a_bare_name_null_and_an_empty_mapping_are_the_defaults(collection: str) -> None:
    read, _, name, settings = CASES[collection]
    assert read([name]) == read([{name: None}]) == read([{name: {}}]) != read([{name: settings}])


@every_collection
def test_settings_that_are_no_mapping_are_refused_and_never_taken_for_the_defaults(collection: str) -> None:
    read, _, name, _ = CASES[collection]
    for settings in (0, 1, "", "x", [], [1], 0.0):
        with pytest.raises(SpecError, match=rf"prepare\[0\] {name}: expected a mapping of keys"):
            read([{name: settings}])


@every_collection
@pytest.mark.parametrize("said", [True, False])
def test_true_and_false_are_no_settings(collection: str, said: bool) -> None:
    read, _, name, _ = CASES[collection]
    with pytest.raises(
        SpecError, match=rf"prepare\[0\] {name}: {str(said).lower()} is no setting.*leave the entry out"
    ):
        read([{name: said}])


def test_both_strands_false_is_no_way_to_turn_it_on() -> None:
    assert not sequences.parse_steps([]).both_strands
    assert sequences.parse_steps(["both_strands"]).both_strands
    with pytest.raises(SpecError, match="both_strands: false is no setting"):
        sequences.parse_steps([{"both_strands": False}])


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("normalize", "what others call so is standardise or z_score or min_max here"),
        ("Grayscale", "what others call so is channels here"),
        ("to_tensor", "unknown step 'to_tensor'. Known"),
        ("center_crop", "did you mean 'crop'"),
    ],
)
def test_a_name_that_other_libraries_have_is_answered_with_ours(name: str, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        images.parse_steps([name])


@every_collection
def test_an_unknown_name_is_answered_with_the_nearest(collection: str) -> None:
    read, _, name, _ = CASES[collection]
    with pytest.raises(SpecError, match=rf"prepare\[1\]: unknown step '{name}e', did you mean '{name}'.*Known: "):
        read([name, {f"{name}e": {}}])


@every_collection
@pytest.mark.parametrize("raw", [None, "clahe", {"clahe": {}}, 3, True])
def test_what_is_no_list_is_refused(collection: str, raw: object) -> None:
    with pytest.raises(SpecError, match="prepare: expected a list of steps, found "):
        CASES[collection][0](raw)


@every_collection
@pytest.mark.parametrize("entry", [None, 3, [], {}, {"a": {}, "b": {}}])
def test_an_entry_that_names_not_one_step_is_refused(collection: str, entry: object) -> None:
    with pytest.raises(SpecError, match=r"prepare\[0\]: expected a step's name, or one name with its settings"):
        CASES[collection][0]([entry])


@every_collection
@pytest.mark.parametrize("entry", [False, {True: {}}])
def test_a_yes_or_no_of_yaml_that_became_true_or_false_is_told(collection: str, entry: object) -> None:
    with pytest.raises(SpecError, match="YAML reads yes, no, on and off without quotes"):
        CASES[collection][0]([entry])


@pytest.mark.parametrize("collection", [name for name in CASES if name != "images"])
def test_a_step_that_is_a_setting_stands_there_once(collection: str) -> None:
    read, _, name, _ = CASES[collection]
    with pytest.raises(SpecError, match=rf"prepare\[1\]: {name} stands there twice"):
        read([name, {name: {}}])


def test_steps_that_are_carried_out_in_turn_may_stand_there_again() -> None:
    assert len(images.parse_steps(["median", "clahe", "median"])) == 3
    cleaning, _ = notes.split_steps(["deid_marks", "html", {"deid_marks": {"fill": "_"}}], {})
    assert [step.name for step in cleaning] == ["deid_marks", "html", "deid_marks"]


def test_true_is_not_taken_for_the_number_one() -> None:
    for wrong in ({"channels": {"to": True}}, {"gamma": {"gamma": True}}, {"resize": {"size": [True, 4]}}):
        with pytest.raises(SpecError, match="must not be true or false"):
            images.parse_steps([wrong])
    assert images.parse_steps([{"resize": {"size": [4, 4], "keep_aspect": True}}])


@every_collection
def test_the_schema_accepts_what_is_read_and_refuses_what_is_not(collection: str) -> None:
    read, steps, name, settings = CASES[collection]
    validator = schema_of(steps)
    validator.check_schema(validator.schema)
    entries: list[object] = [name, {name: None}, {name: {}}, {name: settings}, {name: True}, {name: False}, {name: []}]
    entries += [{name: 0}, {name: ""}, f"{name}e", {f"{name}e": {}}, None, 3, True, [], {}, {name: {"surely_no": 1}}]
    entries += [known for known, _ in steps]
    for entry in entries:
        assert validator.is_valid([entry]) == is_read(read, [entry]), entry
    assert [validator.is_valid(raw) for raw in ([], {}, "x", None)] == [True, False, False, False]
