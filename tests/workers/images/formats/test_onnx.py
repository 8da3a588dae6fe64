"""ONNX models: any batch, layout and type; nothing outside the directory."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from schemas.errors import RecordError, SecurityError, SpecError, UsageError
from schemas.status import Status
from workers.contract import Affine, Placement
from workers.images.formats import onnx as onnx_format
from workers.images.formats.onnx_file import read_graph
from workers.models.detect import describe

WEIGHT = np.random.default_rng(3).normal(size=(3, 2)).astype(np.float32)
HEAD = {"activation": "softmax", "labels": ["Benign", "Malignant"]}


def save(path: Path, *, batch="n", size=(None, None), kind=TensorProto.FLOAT, layout="NCHW", external="") -> None:
    """Mean over the image, then a linear layer: outputs `logits` (n, 2) and `means` (n, 3)."""
    rows, columns = size
    shape = [batch, 3, rows, columns] if layout == "NCHW" else [batch, rows, columns, 3]
    axes = [2, 3] if layout == "NCHW" else [1, 2]
    weight = numpy_helper.from_array(WEIGHT, "weight")
    if external:
        weight.data_location = TensorProto.EXTERNAL
        entry = weight.external_data.add()
        entry.key, entry.value = "location", external
        weight.ClearField("raw_data")
    nodes = [
        helper.make_node("Cast", ["image"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["x", "axes"], ["means"], keepdims=0),
        helper.make_node("MatMul", ["means", "weight"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("image", kind, shape)],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, 2]),
            helper.make_tensor_value_info("means", TensorProto.FLOAT, [batch, 3]),
        ],
        [weight, numpy_helper.from_array(np.array(axes), "axes")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path.write_bytes(model.SerializeToString())


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    save(tmp_path / "model.onnx")
    return tmp_path


def write_card(directory: Path, **card) -> None:
    (directory / "wardround.json").write_text(json.dumps(card))


def load(directory, affine=None, device="cpu"):
    _, card = describe(directory, "images")
    return onnx_format.FORMAT.load(directory, card, Placement(device, 1, affine))


def images(count, dtype=np.uint8, shape=(10, 12, 3)):
    return list(np.random.default_rng(1).integers(0, 256, (count, *shape)).astype(dtype))


def expected_logits(batch):
    return np.stack([image.astype(np.float32).mean(axis=(0, 1)) for image in batch]) @ WEIGHT


def test_without_a_card_each_output_is_a_list_column_of_its_own_name(directory):
    name, card = describe(directory, "images")
    assert name == "onnx"
    assert [(field.name, field.type) for field in card.outputs] == [
        ("logits", "list<float32>"),
        ("means", "list<float32>"),
    ]
    assert card.channels == 3
    batch = images(3)
    result = load(directory).forward(batch)
    np.testing.assert_allclose(np.stack(result["logits"]), expected_logits(batch), rtol=1e-5)
    assert [len(row) for row in result["means"]] == [3, 3, 3]


@pytest.mark.parametrize("activation", ["softmax", "sigmoid", "none"])
def test_with_a_head_the_scores_bear_the_labels(directory, activation):
    write_card(directory, head=HEAD | {"activation": activation}, output="logits")
    batch = images(4)
    result = load(directory, Affine(1 / 255, (0.5, 0.4, 0.3), (0.2, 0.2, 0.2))).forward(batch)
    logits = (np.stack([i.mean(axis=(0, 1)) for i in batch]) / 255 - [0.5, 0.4, 0.3]) / 0.2 @ WEIGHT
    powers = np.exp(logits)
    scores = {"softmax": powers / powers.sum(1, keepdims=True), "sigmoid": 1 / (1 + np.exp(-logits)), "none": logits}
    assert list(result) == ["score_benign", "score_malignant"]
    np.testing.assert_allclose(np.stack(list(result.values()), 1), scores[activation], rtol=0, atol=1e-5)
    assert result["score_benign"].dtype == np.float32


def test_sigmoid_and_softmax_of_extreme_outputs_stay_finite(directory):
    for activation in ("softmax", "sigmoid"):
        write_card(directory, head=HEAD | {"activation": activation}, output="logits")
        result = load(directory).forward([np.full((4, 4, 3), value, np.float32) for value in (1e6, -1e6)])
        assert all(np.isfinite(values).all() for values in result.values())


@pytest.mark.parametrize("batch_size", [1, 3])
def test_a_graph_of_a_fixed_batch_is_run_as_often_as_needed(directory, batch_size):
    save(directory / "model.onnx", batch=batch_size)
    batch = images(7)
    result = load(directory).forward(batch)
    np.testing.assert_allclose(np.stack(result["logits"]), expected_logits(batch), rtol=1e-5)


def test_channels_may_stand_last(directory):
    save(directory / "model.onnx", layout="NHWC")
    write_card(directory, layout="NHWC")
    batch = images(2)
    assert describe(directory, "images")[1].channels == 3
    np.testing.assert_allclose(np.stack(load(directory).forward(batch)["logits"]), expected_logits(batch), rtol=1e-5)


@pytest.mark.parametrize("kind", [TensorProto.UINT8, TensorProto.INT32, TensorProto.DOUBLE, TensorProto.FLOAT16])
def test_images_are_given_in_the_type_that_the_graph_takes(directory, kind):
    save(directory / "model.onnx", kind=kind)
    batch = images(2)
    np.testing.assert_allclose(np.stack(load(directory).forward(batch)["logits"]), expected_logits(batch), rtol=1e-5)


def test_a_graph_of_whole_numbers_takes_no_normalised_images(directory):
    save(directory / "model.onnx", kind=TensorProto.UINT8)
    with pytest.raises(SpecError, match="must not end with"):
        load(directory, Affine(1 / 255))
    with pytest.raises(RecordError, match="takes uint8 pixels, the prepared image has float32"):
        load(directory).forward(images(1, np.float32))


def test_declared_outputs_choose_and_type_the_columns(directory):
    write_card(directory, outputs=[{"name": "means", "type": "list<float64>", "meaning": "mean of each channel"}])
    result = load(directory).forward(images(2))
    assert list(result) == ["means"]
    assert result["means"][0].dtype == np.float64
    write_card(directory, outputs=[{"name": "means", "type": "float32", "meaning": ""}])
    with pytest.raises(SpecError, match="has 3 numbers an image"):
        load(directory).forward(images(1))


@pytest.mark.parametrize(
    ("image", "detail"),
    [
        (np.zeros((10, 12), np.uint8), "takes 3 channel"),
        (np.zeros((9, 12, 3), np.uint8), "takes 10 rows, the prepared image has 9"),
        (np.zeros((10, 13, 3), np.uint8), "takes 12 columns"),
        (np.zeros(5, np.uint8), "two dimensions"),
    ],
)
def test_an_image_that_the_graph_does_not_take_is_out_of_contract(directory, image, detail):
    save(directory / "model.onnx", size=(10, 12))
    with pytest.raises(RecordError, match=detail) as error:
        load(directory).forward([image])
    assert error.value.status is Status.OUT_OF_CONTRACT


def test_an_image_that_a_node_inside_the_graph_does_not_take_is_out_of_contract(directory):
    rows = numpy_helper.from_array(np.ones((3 * 10 * 12, 2), np.float32), "rows")
    nodes = [helper.make_node("Flatten", ["image"], ["flat"]), helper.make_node("MatMul", ["flat", "rows"], ["logits"])]
    taken = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, None, None])
    given = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 2])
    graph = helper.make_graph(nodes, "g", [taken], [given], [rows])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    (directory / "model.onnx").write_bytes(model.SerializeToString())
    loaded = load(directory)
    assert len(loaded.forward(images(2))["logits"]) == 2
    with pytest.raises(RecordError, match="a node of the graph fails") as error:
        loaded.forward(images(2, shape=(11, 12, 3)))
    assert error.value.status is Status.OUT_OF_CONTRACT


def test_the_only_onnx_file_is_taken_whatever_its_name(directory):
    (directory / "model.onnx").rename(directory / "densenet.onnx")
    assert describe(directory, "images")[1].settings["file"] == "densenet.onnx"
    save(directory / "other.onnx")
    with pytest.raises(SpecError, match="holds 2"):
        describe(directory, "images")
    write_card(directory, file="other.onnx")
    assert describe(directory, "images")[1].settings["file"] == "other.onnx"


@pytest.mark.parametrize(
    "card", [{"layout": "HWC"}, {"outputs": [{"name": "x", "type": "float32", "meaning": ""}]}, {"lyout": "NCHW"}]
)
def test_a_wrong_card_is_refused(directory, card):
    write_card(directory, **card)
    with pytest.raises(SpecError):
        describe(directory, "images")


def test_a_head_must_say_which_of_several_outputs_it_reads(directory):
    write_card(directory, head=HEAD)
    with pytest.raises(SpecError, match=r"'output' in wardround\.json must be one of the graph's: logits, means"):
        describe(directory, "images")
    write_card(directory, head={"activation": "none", "labels": ["a"]}, output="logits")
    with pytest.raises(SpecError, match="gives 2 numbers, its card has 1 labels"):
        load(directory).forward(images(1))


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../secret", "..\\secret"])
def test_weights_outside_the_directory_are_refused(directory, name):
    (directory.parent / "secret").write_bytes(WEIGHT.tobytes())
    save(directory / "model.onnx", external=name)
    with pytest.raises(SecurityError, match="outside the model directory"):
        describe(directory, "images")


def test_weights_hidden_in_a_constant_inside_a_branch_are_found(directory):
    tensor = numpy_helper.from_array(WEIGHT, "t")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("offset", "0"), ("location", "../secret")):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    constant = helper.make_node("Constant", [], ["c"], value=tensor)
    inner = helper.make_graph([constant], "inner", [], [helper.make_tensor_value_info("c", 1, [3, 2])])
    branch = helper.make_node("If", ["which"], ["y"], then_branch=inner, else_branch=inner)
    model = onnx.load(directory / "model.onnx")
    model.graph.node.append(branch)
    (directory / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(SecurityError, match="outside"):
        describe(directory, "images")


def test_a_link_out_of_the_directory_is_refused(directory):
    (directory.parent / "secret.bin").write_bytes(WEIGHT.tobytes())
    (directory / "weights.bin").symlink_to(directory.parent / "secret.bin")
    save(directory / "model.onnx", external="weights.bin")
    with pytest.raises(SecurityError, match="leads out"):
        describe(directory, "images")


def test_a_folder_that_is_a_link_out_of_the_directory_is_refused(directory):
    (directory.parent / "outside").mkdir()
    (directory.parent / "outside" / "weights.bin").write_bytes(WEIGHT.tobytes())
    (directory / "data").symlink_to(directory.parent / "outside")
    save(directory / "model.onnx", external="data/weights.bin")
    with pytest.raises(SecurityError, match="leads out"):
        describe(directory, "images")


def test_weights_in_a_file_beside_the_model_are_used(directory):
    save(directory / "model.onnx", external="weights.bin")
    with pytest.raises(SpecError, match="is not there"):
        describe(directory, "images")
    (directory / "weights.bin").write_bytes(WEIGHT.tobytes())
    batch = images(2)
    np.testing.assert_allclose(np.stack(load(directory).forward(batch)["logits"]), expected_logits(batch), rtol=1e-5)


def test_names_and_shapes_are_those_of_the_graph(directory):
    graph = read_graph(directory / "model.onnx")
    reference = onnx.load(directory / "model.onnx").graph
    assert [value.name for value in graph.inputs] == [value.name for value in reference.input]
    assert [value.name for value in graph.outputs] == [value.name for value in reference.output]
    assert graph.inputs[0].shape == (None, 3, None, None)


def test_what_is_no_onnx_model_is_refused(directory):
    path = directory / "model.onnx"
    whole = path.read_bytes()
    for content in (b"", b"\x80\x04.", b"PK\x03\x04" * 9, whole[: len(whole) // 2], b"\x3a" * 50, b"\xff" * 200):
        path.write_bytes(content)
        with pytest.raises(SpecError, match="not an ONNX model"):
            describe(directory, "images")


def test_graphs_nested_without_end_are_refused_without_a_crash(directory):
    graph = b""
    for _ in range(400):
        attribute = b"\x32" + _length(graph) + graph
        node = b"\x2a" + _length(attribute) + attribute
        graph = b"\x0a" + _length(node) + node
    (directory / "model.onnx").write_bytes(b"\x3a" + _length(graph) + graph)
    with pytest.raises(SpecError, match="not an ONNX model"):
        describe(directory, "images")


def test_a_file_of_more_than_protocol_buffers_can_hold_is_refused_unread(directory):
    with (directory / "model.onnx").open("r+b") as file:
        file.truncate(3 << 30)
    with pytest.raises(SpecError, match="weights in a file of their own"):
        describe(directory, "images")


def _length(body: bytes) -> bytes:
    size, out = len(body), b""
    while size > 127:
        out += bytes([size & 127 | 128])
        size >>= 7
    return out + bytes([size])


def test_a_file_that_only_onnxruntime_can_judge_is_refused_at_load(directory):
    model = onnx.load(directory / "model.onnx")
    model.graph.node[0].op_type = "NoSuchOperator"
    (directory / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(SpecError, match="onnxruntime cannot load it"):
        load(directory)


def test_cuda_is_not_silently_replaced_by_the_cpu(directory):
    onnxruntime = pytest.importorskip("onnxruntime")
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has CUDA")
    with pytest.raises(UsageError, match="onnxruntime-gpu"):
        load(directory, device="cuda")


@pytest.mark.parametrize(
    ("kind", "card", "expected"),
    [
        (TensorProto.FLOAT, {}, None),
        (TensorProto.UINT8, {}, (0, 255)),
        (TensorProto.UINT16, {}, None),
        (TensorProto.FLOAT, {"value_range": [-1, 1]}, (-1, 1)),
        (TensorProto.UINT8, {"value_range": [0, 3]}, (0, 3)),
    ],
)
def test_the_values_that_a_graph_takes_are_said_by_its_card_or_its_type(directory, kind, card, expected):
    save(directory / "model.onnx", kind=kind)
    write_card(directory, **card)
    assert describe(directory, "images")[1].value_range == expected
