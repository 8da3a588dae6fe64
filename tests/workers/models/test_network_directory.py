"""What every directory of one of our networks is checked for, whatever it scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from schemas.errors import SecurityError, SpecError
from workers.ehr.events.formats.directory import EventModel
from workers.ehr.notes.formats.word_rnn import WordRnn
from workers.genomics.genotypes.formats.panel import PanelModelFormat
from workers.genomics.sequences.formats.cnn import SequenceCnn
from workers.images.formats.native import Native
from workers.models.network_directory import CONFIG, WEIGHTS
from workers.molecules.formats.fingerprint import FingerprintFormat

FORMATS: list[tuple[Any, dict[str, Any], dict[str, Any]]] = [
    (Native(), {"in_channels": 1}, {}),
    (WordRnn(), {"words": 20}, {}),
    (EventModel(), {"num_codes": 5}, {}),
    (PanelModelFormat(), {"num_variants": 4}, {"genome_build": "GRCh38"}),
    (SequenceCnn(), {}, {"window": 89}),
    (FingerprintFormat(), {"num_inputs": 2048}, {}),
]
"""With the sizes that its networks need beside the number of outputs, and keys of its own."""

EVERY = pytest.mark.parametrize(("kind", "sizes", "own"), FORMATS, ids=lambda value: getattr(value, "name", ""))


def write(folder: Path, kind: Any, sizes: dict[str, Any], own: dict[str, Any], **changes: Any) -> Path:
    config = {
        "format": kind.name,
        "format_version": 1,
        "network": next(iter(kind.networks)),
        "settings": {"num_outputs": 2, **sizes},
        "head": {"activation": "softmax", "labels": ["no", "yes"]},
        **own,
        **changes,
    }
    (folder / CONFIG).write_text(json.dumps(config))
    save_file({"x": torch.zeros(1)}, folder / WEIGHTS)
    return folder


@EVERY
def test_a_directory_is_recognised_by_the_format_in_its_config(tmp_path, kind, sizes, own):
    assert kind.recognises(write(tmp_path, kind, sizes, own))
    assert kind.name in kind.looks_for
    assert not kind.recognises(write(tmp_path, kind, sizes, own, format="another"))


@EVERY
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"format_version": 2}, "format_version: must be 1"),
        ({"notse": "x"}, "did you mean 'notes'"),
        ({"settings": {}}, "settings: .*num_outputs: is missing"),
        ({"head": {"activation": "softmax", "labels": ["no", "yes", "maybe"]}}, "num_outputs differs from the number"),
    ],
)
def test_what_is_wrong_in_any_config_is_told_before_torch_is_needed(tmp_path, kind, sizes, own, changes, told):
    with pytest.raises(SpecError, match=told):
        kind.describe(write(tmp_path, kind, sizes, own, **changes))


@EVERY
def test_no_number_of_outputs_is_refused(tmp_path, kind, sizes, own):
    with pytest.raises(SpecError, match="num_outputs: must be at least 1"):
        kind.describe(write(tmp_path, kind, sizes, own, settings={**sizes, "num_outputs": 0}))


@pytest.mark.parametrize("count", [True, "2", 2.0])
def test_a_number_of_outputs_is_a_whole_number_as_it_stands(tmp_path, count):
    kind, settings = Native(), {"in_channels": 1, "num_outputs": count}
    with pytest.raises(SpecError, match="num_outputs: must be a whole number"):
        kind.describe(write(tmp_path, kind, {}, {}, settings=settings))


@EVERY
def test_an_unknown_network_is_answered_with_the_nearest(tmp_path, kind, sizes, own):
    name = next(iter(kind.networks))
    with pytest.raises(SpecError, match=f"network '{name}x' is unknown, did you mean '{name}'"):
        kind.describe(write(tmp_path, kind, sizes, own, network=name + "x"))


@EVERY
def test_pickled_weights_are_refused(tmp_path, kind, sizes, own):
    write(tmp_path, kind, sizes, own)
    torch.save({"x": torch.zeros(1)}, tmp_path / WEIGHTS)
    with pytest.raises(SecurityError, match="pickle or zip"):
        kind.describe(tmp_path)


def test_a_card_says_what_builds_the_network_and_reads_its_head(tmp_path):
    kind = Native()
    card = kind.describe(write(tmp_path, kind, {"in_channels": 1}, {}))
    assert card.settings == {
        "network": next(iter(kind.networks)),
        "settings": {"num_outputs": 2, "in_channels": 1},
        "activation": "softmax",
        "labels": ["no", "yes"],
        "weights": [WEIGHTS],
    }
