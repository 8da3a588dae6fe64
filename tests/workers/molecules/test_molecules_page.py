"""What docs/molecules.md says is what is done."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from schemas.errors import SecurityError, SpecError
from schemas.spec import parse_spec
from workers.models.detect import describe
from workers.molecules.properties import PROPERTIES
from workers.molecules.settings import MoleculesInput
from workers.molecules.steps import parse_steps

PAGE = (Path(__file__).parents[3] / "docs" / "molecules.md").read_text(encoding="utf-8")


def directory(path: Path, **config: object) -> Path:
    path.mkdir(exist_ok=True)
    (path / "config.json").write_text(json.dumps({"format_version": 1, **config}))
    return path


def test_the_example_is_a_spec() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert MoleculesInput.model_validate(parse_spec(text).input).smiles == "SMILES"
    assert yaml.safe_load(text)["input"]["standardize"] == ["cleanup", "largest_fragment", "uncharge"]


def test_every_property_stands_there_and_the_example_of_its_directory_is_a_model(tmp_path: Path) -> None:
    assert set(PROPERTIES) <= set(re.findall(r"`(\w+)`", PAGE))
    (text,) = re.findall(r'`(\{"format": "properties".*?\})`', PAGE)
    (tmp_path / "config.json").write_text(text)
    kind, card = describe(tmp_path, "molecules")
    assert (kind, [field.name for field in card.outputs]) == ("properties", ["tpsa", "logp", "qed"])


def test_the_form_of_smiles_is_canonical_where_nothing_is_said() -> None:
    assert parse_steps([]).form == parse_steps(["smiles"]).form == "canonical"
    assert parse_steps([{"smiles": {"form": "given"}}]).form == "given"


@pytest.mark.parametrize("raw", ["smiles", [{"smiles": {}, "x": {}}], ["smiles", "smiles"], [{"smiles": {"as": 1}}]])
def test_a_prepare_list_that_cannot_be_is_refused(raw: object) -> None:
    with pytest.raises(SpecError):
        parse_steps(raw)


def test_a_property_that_is_not_known_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="'tspa' is unknown, did you mean 'tpsa'"):
        describe(directory(tmp_path, format="properties", properties=["tspa"]), "molecules")
    with pytest.raises(SpecError, match="twice"):
        describe(directory(tmp_path, format="properties", properties=["tpsa", "tpsa"]), "molecules")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"network": "fingerprint_ml"}, "did you mean 'fingerprint_mlp'"),
        ({"fingerprint": {"bits": 1024}}, "differs from fingerprint.bits"),
        ({"head": {"activation": "none", "labels": ["a", "b"]}}, "differs from the number of head.labels"),
        ({"fingerprint": {"radus": 2}}, "did you mean 'radius'"),
    ],
)
def test_a_fingerprint_model_that_does_not_fit_together_is_refused(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    config = {
        "format": "fingerprint",
        "settings": {"num_inputs": 2048, "num_outputs": 1},
        "head": {"activation": "none", "labels": ["a"]},
        **changes,
    }
    made = directory(tmp_path, **config)
    (made / "model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    with pytest.raises(SpecError, match=said):
        describe(made, "molecules")


def test_a_pickle_in_the_place_of_weights_is_refused(tmp_path: Path) -> None:
    settings = {"num_inputs": 2048, "num_outputs": 1}
    made = directory(tmp_path, format="fingerprint", settings=settings, head={"activation": "none", "labels": ["a"]})
    (made / "pytorch_model.bin").write_bytes(b"\x80\x02}q\x00.")
    with pytest.raises((SecurityError, SpecError)):
        describe(made, "molecules")
