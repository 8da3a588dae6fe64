from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from schemas.errors import SpecError
from workers.contract import Placement
from workers.molecules.contract import Wanted
from workers.molecules.formats.properties import FORMAT


def directory(folder: Path, *properties: str, **more: Any) -> Path:
    config = {"format": "properties", "format_version": 1, "properties": list(properties), **more}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_each_property_is_a_column_and_counts_are_whole_numbers(tmp_path: Path) -> None:
    card = FORMAT.describe(directory(tmp_path, "tpsa", "rings"))
    assert FORMAT.recognises(tmp_path)
    assert [(field.name, field.type) for field in card.outputs] == [("tpsa", "float64"), ("rings", "int32")]
    encoder = FORMAT.open_encoder(tmp_path, card, 1)
    assert isinstance(encoder, Wanted)
    assert encoder.wants == {"properties": ["tpsa", "rings"]}
    found = FORMAT.load(tmp_path, card, Placement("cpu")).score([np.array([20.5, 1.0]), np.array([0.0, 3.0])])
    assert (found["tpsa"].tolist(), found["rings"].tolist()) == ([20.5, 0.0], [1, 3])
    assert (found["tpsa"].dtype, found["rings"].dtype) == (np.float64, np.int32)


@pytest.mark.parametrize(
    ("properties", "wrong"),
    [
        (["tspa"], "property 'tspa' is unknown.*tpsa"),
        (["tpsa", "tpsa"], "names a property twice"),
        ([], "properties"),
    ],
)
def test_what_cannot_be_computed_is_refused_by_name(tmp_path: Path, properties: list[str], wrong: str) -> None:
    with pytest.raises(SpecError, match=wrong):
        FORMAT.describe(directory(tmp_path, *properties))


def test_a_directory_of_another_format_is_none(tmp_path: Path) -> None:
    assert not FORMAT.recognises(tmp_path)
    assert not FORMAT.recognises(directory(tmp_path, "tpsa", format="fingerprint"))
