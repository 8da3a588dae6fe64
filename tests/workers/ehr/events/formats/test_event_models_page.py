"""What docs/event-models.md shows is what is read."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from safetensors.torch import save_file

from workers import registry
from workers.contract import Placement
from workers.ehr.events.formats.directory import FORMAT

PAGE = (Path(__file__).parents[5] / "docs" / "event-models.md").read_text(encoding="utf-8")
(CONFIG,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
(CODE,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
SIZES = {"num_codes": 4, "num_outputs": 2, "inputs": ["value", "delta", "ago", "age"]}
RICHEST = {
    "event_rnn": {"layers": 2, "bidirectional": True, "pooling": "attention"},
    "retain": {},
    "code_transformer": {"sinusoids": ["delta"]},
}


def part(name: str) -> str:
    """A section of the page."""
    return PAGE.partition(f"### {name}\n")[2].partition("\n#")[0]


def weights(network: str, settings: dict[str, Any]) -> dict[str, Any]:
    """What the network itself calls its weights."""
    module = registry.networks("events").load(network)
    state: dict[str, Any] = module.build(module.Config(**settings)).state_dict()
    return state


def test_the_example_is_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = json.loads(CONFIG)
    monkeypatch.chdir(tmp_path)
    Path("config.json").write_text(CONFIG)
    exec(CODE, {"weights": weights(config["network"], config["settings"]), "save_file": save_file})
    card = FORMAT.describe(tmp_path)
    assert card.outputs[0].name == "score_readmission"
    assert FORMAT.load(tmp_path, card, Placement("cpu")) is not None


def defaults() -> dict[tuple[str, str], str]:
    """(network or "every network", setting) to its default, as the page says them."""
    found, owner = {}, ""
    for row in part("Settings").splitlines()[2:]:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        if len(cells) == 4:
            owner = cells[0].strip("`") or owner
            keys = re.findall(r"`(\w+)`", cells[1])
            values = cells[2].split(", ") if len(keys) > 1 else [cells[2]]
            found.update({(owner, key): value.strip("`") for key, value in zip(keys, values, strict=True)})
    return found


@pytest.mark.parametrize("network", registry.NETWORKS["events"])
def test_every_setting_is_on_the_page_with_its_default(network: str) -> None:
    config: type[BaseModel] = registry.networks("events").load(network).Config
    said = {key: value for (owner, key), value in defaults().items() if owner in (network, "every network")}
    plain = {"()": "[]", "False": "false"}
    assert said == {
        name: "required" if field.is_required() else plain.get(str(field.default), str(field.default))
        for name, field in config.model_fields.items()
    }


@pytest.mark.parametrize("network", registry.NETWORKS["events"])
def test_every_weight_is_on_the_page(network: str) -> None:
    named = set(re.findall(r"`([^`]+)`", part("Weights")))
    for name in weights(network, {**SIZES, **RICHEST[network]}):
        plain = re.sub(r"^layers\.\d+", "layers.0", name)
        plain = re.sub(r"_l\d+(_reverse)?$", "_l0", plain)
        plain = re.sub(r"^(alpha_rnn|beta_rnn)\..*", r"\1.weight_ih_l0", plain)
        assert plain in named, name
