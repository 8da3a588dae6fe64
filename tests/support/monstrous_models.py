"""ONNX networks that one picture can be too much for: they ask for memory, or for time, by what they are shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper


def make_greedy(folder: Path) -> Path:
    """A network that multiplies every pixel with every other: of a picture of n pixels it asks for 4 n**2 bytes."""
    return _save(
        folder,
        [
            helper.make_node("Reshape", ["image", "column"], ["pixels"]),
            helper.make_node("Transpose", ["pixels"], ["turned"], perm=[0, 2, 1]),
            helper.make_node("MatMul", ["pixels", "turned"], ["products"]),
            helper.make_node("ReduceMean", ["products", "axes"], ["scores"], keepdims=0),
        ],
        [_int64("column", [0, -1, 1]), _int64("axes", [1, 2])],
    )


def make_endless(folder: Path) -> Path:
    """A network that counts to (largest pixel / 100) ** 40: done at once with dark pictures, never with bright ones."""
    count, go = helper.make_tensor_value_info("count", TensorProto.INT64, []), _bool("go")
    total, more = helper.make_tensor_value_info("total", TensorProto.FLOAT, [1]), _bool("more")
    added = helper.make_tensor_value_info("added", TensorProto.FLOAT, [1])
    body = helper.make_graph(
        [helper.make_node("Add", ["total", "one"], ["added"]), helper.make_node("Identity", ["go"], ["more"])],
        "body",
        [count, go, total],
        [more, added],
        initializer=[helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0])],
    )
    return _save(
        folder,
        [
            helper.make_node("ReduceMax", ["image"], ["brightest"], keepdims=0),
            helper.make_node("Div", ["brightest", "hundred"], ["share"]),
            helper.make_node("Pow", ["share", "forty"], ["trips"]),
            helper.make_node("Cast", ["trips"], ["whole"], to=TensorProto.INT64),
            helper.make_node("Loop", ["whole", "", "zero"], ["loops"], body=body),
            helper.make_node("ReduceMean", ["image", "axes"], ["means"], keepdims=0),
            helper.make_node("Add", ["means", "loops"], ["scores"]),
        ],
        [
            helper.make_tensor("hundred", TensorProto.FLOAT, [], [100.0]),
            helper.make_tensor("forty", TensorProto.FLOAT, [], [40.0]),
            helper.make_tensor("zero", TensorProto.FLOAT, [1], [0.0]),
            _int64("axes", [1, 2, 3]),
        ],
    )


def _int64(name: str, values: list[int]) -> Any:
    return helper.make_tensor(name, TensorProto.INT64, [len(values)], np.array(values, np.int64))


def _bool(name: str) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.BOOL, [])


def _save(folder: Path, nodes: list[Any], weights: list[Any]) -> Path:
    graph = helper.make_graph(
        nodes,
        "monstrous",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 1, "h", "w"])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n"])],
        weights,
    )
    folder.mkdir(parents=True)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, str(folder / "model.onnx"))
    card = {
        "format": "onnx",
        "prepare": [{"channels": {"to": 1}}],
        "outputs": [{"name": "scores", "type": "float32", "meaning": "a mean"}],
        "value_range": [0, 255],
    }
    (folder / "wardround.json").write_text(json.dumps(card))
    return folder
