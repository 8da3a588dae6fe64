"""A small archive with all that can be wrong with one, and a small real model that scores it."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper
from pydicom.data import get_testdata_file

from cluster.storage import Store

_DICOM = ("CT_small.dcm", "MR_small.dcm", "JPEG2000.dcm", "rtplan.dcm", "MR_truncated.dcm", "US1_UNCR.dcm")


def fill(store: Store, images: int = 48) -> None:
    """PNG images of several sizes, real DICOM files, an empty object and one that is no image."""
    chance = np.random.default_rng(0)
    for number in range(images):
        side = 24 + 8 * (number % 3)
        body = cv2.imencode(".png", chance.integers(0, 255, (side, side), dtype=np.uint8))[1].tobytes()
        store.put(f"png/bild {number:03d} ü+%.png", body, {})
    for name in _DICOM:
        path = get_testdata_file(name, download=False)
        if path is not None:
            store.put(f"dicom/{name}", Path(str(path)).read_bytes(), {})
    store.put("empty.png", b"", {})
    store.put("letter.txt", b"this is no image", {})


def make_model(folder: Path) -> Path:
    """An ONNX network: mean over a convolution, for one channel of any size."""
    folder.mkdir(parents=True, exist_ok=True)
    weight = np.linspace(-1, 1, 2 * 9, dtype=np.float32).reshape(2, 1, 3, 3) / 255
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "weight"], ["conv"], pads=[1, 1, 1, 1]),
            helper.make_node("GlobalAveragePool", ["conv"], ["pool"]),
            helper.make_node("Flatten", ["pool"], ["scores"]),
        ],
        "mean",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 1, "h", "w"])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 2])],
        [helper.make_tensor("weight", TensorProto.FLOAT, weight.shape, weight.tobytes(), raw=True)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.save(model, str(folder / "model.onnx"))
    card = {"format": "onnx", "prepare": [{"channels": {"to": 1}}]}
    (folder / "wardround.json").write_text(json.dumps(card))
    return folder
