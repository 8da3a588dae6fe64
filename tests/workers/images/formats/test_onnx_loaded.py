"""A loaded ONNX graph by hand: what it is given, and what becomes of what it gives."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from schemas.errors import RecordError, SpecError
from schemas.outputs import OutputField
from schemas.status import Status
from workers.contract import Affine, ModelCard, Placement
from workers.images.formats.onnx_loaded import OnnxModel, load


def save(
    path: Path, shape: list[Any], kind: int = TensorProto.FLOAT, op: str = "Identity", output: list[Any] | None = None
) -> Path:
    """One node from `image` to `out`."""
    attributes: dict[str, Any] = {"axis": 1} if op == "Flatten" else {}
    node = helper.make_node(op, ["image"], ["out"], **attributes)
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("image", kind, shape)],
        [helper.make_tensor_value_info("out", kind, output)],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def card(
    type_: str = "list<float32>", activation: str | None = None, labels: int = 1, layout: str = "NCHW"
) -> ModelCard:
    fields = tuple(OutputField(name=f"out{n}", type=type_, meaning="m", over_frames="first") for n in range(labels))
    settings = {"activation": activation, "graph_outputs": ["out"], "layout": layout, "file": "m.onnx"}
    return ModelCard("onnx", fields, channels=None, settings=settings)


def model(path: Path, affine: Affine | None = None, **more: Any) -> OnnxModel:
    return load(path, card(**more), Placement("cpu", 1, affine))


IMAGES = [np.arange(6, dtype=np.uint8).reshape(2, 3) + 10 * number for number in range(3)]


def test_grey_images_get_the_one_channel_that_the_graph_takes_first_or_last(tmp_path: Path) -> None:
    for layout, shape in (("NCHW", ["n", 1, "h", "w"]), ("NHWC", ["n", "h", "w", 1])):
        loaded = model(save(tmp_path / f"{layout}.onnx", shape, op="Flatten"), layout=layout)
        found = loaded.forward(IMAGES)["out0"]
        assert [row.tolist() for row in found] == [image.ravel().tolist() for image in IMAGES]


def test_colours_are_moved_to_where_the_graph_has_them(tmp_path: Path) -> None:
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    loaded = model(save(tmp_path / "m.onnx", ["n", 3, "h", "w"], op="Flatten"))
    assert loaded.forward([image])["out0"][0].tolist() == image.transpose(2, 0, 1).ravel().tolist()


def test_a_fixed_batch_is_filled_up_with_copies_whose_answers_are_dropped(tmp_path: Path) -> None:
    loaded = model(save(tmp_path / "m.onnx", [2, 1, 2, 3], op="Flatten"))
    found = loaded.forward(IMAGES)["out0"]
    assert [row.tolist() for row in found] == [image.ravel().tolist() for image in IMAGES]


def test_the_last_steps_are_done_here_in_the_images_own_units(tmp_path: Path) -> None:
    loaded = model(save(tmp_path / "m.onnx", ["n", 1, "h", "w"], op="Flatten"), Affine(0.5, (1.0,), (2.0,)))
    np.testing.assert_allclose(loaded.forward(IMAGES[:1])["out0"][0], (np.arange(6) * 0.5 - 1) / 2)


def test_only_equal_shapes_and_types_share_a_batch(tmp_path: Path) -> None:
    loaded = model(save(tmp_path / "m.onnx", ["n", 1, "h", "w"]))
    one = np.zeros((2, 3), np.uint8)
    assert loaded.batch_key(one) == loaded.batch_key(one + 1)
    assert len({loaded.batch_key(array) for array in (one, one.T, one.astype(np.uint16))}) == 3


@pytest.mark.parametrize(
    ("shape", "array", "said"),
    [
        (["n", 1, 4, 3], np.zeros((2, 3), np.uint8), r"takes 4 rows, the prepared image has 2"),
        (["n", 1, 2, 5], np.zeros((2, 3), np.uint8), r"takes 5 columns, the prepared image has 3"),
        (["n", 1, 2, 3], np.zeros((2, 3, 1, 1), np.uint8), r"images of two dimensions"),
    ],
)
def test_an_image_that_does_not_fit_is_out_of_contract_and_says_how(
    tmp_path: Path, shape: list[Any], array: Any, said: str
) -> None:
    with pytest.raises(RecordError, match=said) as caught:
        model(save(tmp_path / "m.onnx", shape)).forward([array])
    assert caught.value.status == Status.OUT_OF_CONTRACT


def test_whole_numbers_are_taken_only_where_none_is_lost(tmp_path: Path) -> None:
    loaded = model(save(tmp_path / "m.onnx", ["n", 1, "h", "w"], TensorProto.UINT8, "Flatten"), type_="list<uint8>")
    assert loaded.forward(IMAGES[:1])["out0"][0].dtype == np.uint8
    with pytest.raises(RecordError, match="takes uint8 pixels, the prepared image has uint16"):
        loaded.forward([IMAGES[0].astype(np.uint16)])
    with pytest.raises(SpecError, match=r"takes tensor\(uint8\), so 'prepare' must not end with rescale"):
        model(tmp_path / "m.onnx", Affine())


def test_a_type_that_no_image_has_is_refused_at_load(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"takes tensor\(bool\), must take one of tensor\(float\)"):
        model(save(tmp_path / "m.onnx", ["n", 1, "h", "w"], TensorProto.BOOL))


def test_a_normalisation_for_other_channels_is_out_of_contract(tmp_path: Path) -> None:
    loaded = model(save(tmp_path / "m.onnx", ["n", 1, "h", "w"]), Affine(1.0, (0.1, 0.2, 0.3)))
    with pytest.raises(RecordError, match="normalisation is for another number of channels"):
        loaded.forward(IMAGES)


def test_a_graph_that_mixes_the_images_of_a_batch_is_refused(tmp_path: Path) -> None:
    loaded = model(save(tmp_path / "m.onnx", ["n", 1, "h", "w"], op="Transpose", output=None))
    with pytest.raises(SpecError, match="'out' of the ONNX model has no row for each image of the batch"):
        loaded.forward(IMAGES[:2])


def test_a_column_of_one_number_is_refused_where_the_graph_gives_several(tmp_path: Path) -> None:
    path = save(tmp_path / "m.onnx", ["n", 1, "h", "w"], op="Flatten")
    with pytest.raises(SpecError, match=r"'out0' has 6 numbers an image: declare it as list<float64>"):
        model(path, type_="float64").forward(IMAGES)
    one = model(path, type_="float64").forward([image[:1, :1] for image in IMAGES])["out0"]
    assert (one.tolist(), one.dtype) == ([0.0, 10.0, 20.0], np.float64)
    with pytest.raises(SpecError, match="'out0': an ONNX output cannot be given as string"):
        model(path, type_="string").forward(IMAGES)


def test_a_head_must_give_as_many_numbers_as_there_are_labels(tmp_path: Path) -> None:
    path = save(tmp_path / "m.onnx", ["n", 1, "h", "w"], op="Flatten")
    found = model(path, type_="float32", activation="softmax", labels=6).forward([np.zeros((2, 3), np.uint8)])
    np.testing.assert_allclose([found[f"out{n}"][0] for n in range(6)], 1 / 6)
    with pytest.raises(SpecError, match="gives 6 numbers, its card has 5 labels"):
        model(path, type_="float32", activation="softmax", labels=5).forward(IMAGES)
