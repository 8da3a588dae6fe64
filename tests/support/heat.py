"""A small ONNX network that gives scores and, for each image, a heat map and a mask as files of their own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

OUTPUTS = [
    {"name": "score", "type": "float32", "meaning": "mean of the heat map"},
    {"name": "heat", "type": "object<npy>", "meaning": "heat map", "over_frames": "first"},
    {"name": "mask", "type": "object<png>", "meaning": "where it is hot", "over_frames": "first"},
]


def make_heat_model(folder: Path) -> Path:
    """`heat` is the image smoothed by 3 x 3 pixels, (1, H, W) float32; `mask` 1 where that is above 127."""
    folder.mkdir(parents=True, exist_ok=True)
    weight = np.full((1, 1, 3, 3), 1 / 9, np.float32)
    limit = np.float32(127)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "weight"], ["heat"], pads=[1, 1, 1, 1]),
            helper.make_node("Greater", ["heat", "limit"], ["hot"]),
            helper.make_node("Cast", ["hot"], ["mask"], to=TensorProto.UINT8),
            helper.make_node("GlobalAveragePool", ["heat"], ["pool"]),
            helper.make_node("Flatten", ["pool"], ["score"]),
        ],
        "heat",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 1, "h", "w"])],
        [
            helper.make_tensor_value_info("score", TensorProto.FLOAT, ["n", 1]),
            helper.make_tensor_value_info("heat", TensorProto.FLOAT, ["n", 1, "h", "w"]),
            helper.make_tensor_value_info("mask", TensorProto.UINT8, ["n", 1, "h", "w"]),
        ],
        [
            helper.make_tensor("weight", TensorProto.FLOAT, weight.shape, weight.tobytes(), raw=True),
            helper.make_tensor("limit", TensorProto.FLOAT, [], limit.tobytes(), raw=True),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.save(model, str(folder / "model.onnx"))
    card = {"format": "onnx", "outputs": OUTPUTS, "prepare": [{"channels": {"to": 1}}]}
    (folder / "wardround.json").write_text(json.dumps(card))
    return folder
