"""Files of a model directory are read with suspicion: nesting, names that lead elsewhere, headers that lie."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from schemas.errors import SecurityError, SpecError
from workers.models.files import (
    TensorTotals,
    check_safetensors,
    confined,
    parse_json,
    read_json,
    refuse_checkpoint,
)


@pytest.mark.parametrize(("opens", "closes"), [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize("depth", [150, 900, 100_000])
def test_json_that_is_nested_deeper_than_any_model_s_is_refused(
    tmp_path: Path, opens: str, closes: str, depth: int
) -> None:
    (tmp_path / "config.json").write_text('{"x":' + opens * depth + "1" + closes * depth + "}")
    with pytest.raises(SpecError, match=r"config\.json: cannot be read as JSON \(it is nested deeper than 100 levels"):
        read_json(tmp_path / "config.json")


def test_what_models_have_is_read() -> None:
    deep = json.dumps(json.loads("[" * 60 + "1" + "]" * 60)).encode()
    assert parse_json(b'{"a": [1, {"b": null}]}') == {"a": [1, {"b": None}]}
    assert json.dumps(parse_json(deep)).encode() == deep


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "", ".", "a\\b", "a\0b"])
def test_a_name_that_could_leave_the_directory_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SecurityError, match="outside the model directory"):
        confined(tmp_path, name)


def test_neither_a_link_nor_a_folder_that_is_one_leads_out(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "weights.bin").write_bytes(b"x")
    model = tmp_path / "model"
    model.mkdir()
    (model / "folder").symlink_to(tmp_path / "elsewhere")
    (model / "file.bin").symlink_to(tmp_path / "elsewhere" / "weights.bin")
    (model / "own.bin").write_bytes(b"y")
    (model / "own-link.bin").symlink_to(model / "own.bin")
    for name in ("folder/weights.bin", "file.bin"):
        with pytest.raises(SecurityError, match="leads out of the model directory"):
            confined(model, name)
    assert confined(model, "own-link.bin").read_bytes() == b"y"


def test_how_much_a_safetensors_file_holds_is_told_of_its_header(tmp_path: Path) -> None:
    entries = {name: {"dtype": "F32", "shape": [2], "data_offsets": [at, at + 8]} for name, at in (("a", 0), ("b", 8))}
    header = json.dumps({"__metadata__": {"format": "pt"}, **entries}).encode()
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(16))
    assert check_safetensors(path) == TensorTotals(2, 16, 4)


@pytest.mark.parametrize("name", ["model.pt2", "model.ts"])
def test_a_program_of_pytorch_is_refused_with_what_to_do(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"PK")
    with pytest.raises(SecurityError, match=r"a program of PyTorch .* can run code of others: save it as ONNX"):
        refuse_checkpoint(tmp_path)
