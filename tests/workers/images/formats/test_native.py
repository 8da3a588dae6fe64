"""Our own model directory: right answers, clear errors, no code from strangers."""

from __future__ import annotations

import json
import pickle
import struct

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from schemas.errors import RecordError, SecurityError, SpecError
from schemas.status import Status
from workers.contract import Affine, Placement
from workers.images.formats import native
from workers.models.detect import describe
from workers.models.memory import memory_error

AFFINE = Affine(scale=1 / 255, mean=(0.4,), std=(0.2,))


def load(directory, affine=AFFINE):
    return native.FORMAT.load(directory, native.FORMAT.describe(directory), Placement("cpu", 1, affine))


def images(count, dtype=np.uint8, shape=(33, 40)):
    top = 256 if dtype == np.uint8 else 4096
    return list(np.random.default_rng(0).integers(0, top, (count, *shape)).astype(dtype))


def test_the_card_says_what_the_directory_says(native_directory):
    name, card = describe(native_directory(), "images")
    assert name == card.format == "native"
    assert [(field.name, field.type) for field in card.outputs] == [
        ("score_normal", "float32"),
        ("score_pneumonia", "float32"),
    ]
    assert card.prepare == ({"channels": {"to": 1}},)
    assert card.channels == 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32])
@pytest.mark.parametrize("channels_last", [False, True])
def test_scores_equal_those_of_the_plain_network(native_directory, network, dtype, channels_last):
    model = load(native_directory())
    model.configure(channels_last=channels_last)
    batch = images(5, dtype)
    x = torch.from_numpy(np.stack(batch)[:, None].astype(np.float32))
    with torch.inference_mode():
        expected = torch.softmax(network((x / 255 - 0.4) / 0.2), 1).numpy()
    result = model.forward(batch)
    np.testing.assert_allclose(result["score_normal"], expected[:, 0], rtol=0, atol=1e-5)
    np.testing.assert_allclose(result["score_pneumonia"], expected[:, 1], rtol=0, atol=1e-5)
    assert result["score_normal"].dtype == np.float32


@pytest.mark.parametrize("channels_last", [False, True])
def test_one_at_a_time_and_sixty_four_at_a_time_agree(native_directory, channels_last):
    model = load(native_directory())
    model.configure(channels_last=channels_last)
    batch = images(64)
    together = model.forward(batch)["score_pneumonia"]
    alone = np.concatenate([model.forward([image])["score_pneumonia"] for image in batch])
    np.testing.assert_allclose(alone, together, rtol=0, atol=1e-5)


def test_normalising_per_channel_follows_the_channel_axis(native_directory):
    settings = {"in_channels": 3, "num_outputs": 2, "channels": [4, 8], "strides": [2, 2]}
    directory = native_directory(settings=settings)
    weights = load_file(directory / "model.safetensors")
    weights["0.weight"] = torch.randn(4, 3, 3, 3)
    save_file(weights, directory / "model.safetensors")
    batch = images(2, shape=(20, 24, 3))
    mean, std = np.array([0.1, 0.5, 0.9], np.float32), np.array([0.2, 0.3, 0.4], np.float32)
    on_device = load(directory, Affine(1 / 255, (0.1, 0.5, 0.9), (0.2, 0.3, 0.4))).forward(batch)
    before = load(directory, None).forward([(image / np.float32(255) - mean) / std for image in batch])
    np.testing.assert_allclose(on_device["score_normal"], before["score_normal"], rtol=0, atol=1e-6)


def test_declared_outputs_take_the_place_of_the_default_ones(native_directory):
    outputs = [{"name": name, "type": "float32", "meaning": name} for name in ("a", "b")]
    card = native.FORMAT.describe(native_directory(outputs=outputs))
    assert [field.name for field in card.outputs] == ["a", "b"]


@pytest.mark.parametrize(("activation", "total"), [("sigmoid", None), ("none", None), ("softmax", 1.0)])
def test_the_activation_is_that_of_the_head(native_directory, network, activation, total):
    model = load(native_directory(head={"activation": activation, "labels": ["normal", "pneumonia"]}), None)
    batch = images(3, np.float32)
    scores = np.stack(list(model.forward(batch).values()), 1)
    with torch.inference_mode():
        logits = network(torch.from_numpy(np.stack(batch)[:, None]))
    expected = {"sigmoid": logits.sigmoid(), "none": logits, "softmax": logits.softmax(1)}[activation]
    np.testing.assert_allclose(scores, expected.numpy(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": "resnext"}, "network 'resnext' is unknown, did you mean 'resnet'"),
        ({"format_version": 2}, "format_version"),
        ({"wieghts": 1}, "unknown key 'wieghts'"),
        ({"head": {"activation": "relu", "labels": ["a", "b"]}}, "activation"),
        ({"head": {"activation": "none", "labels": ["a"]}}, "num_outputs differs"),
        ({"head": {"activation": "none", "labels": ["a b", "A-B"]}}, "'a b' and 'A-B' both give"),
        ({"head": {"activation": "none", "labels": ["?", "b"]}}, "no letter or digit"),
        ({"settings": {"num_outputs": 2}}, "in_channels"),
        ({"outputs": [{"name": "a", "type": "float32", "meaning": ""}]}, "one float32 a label"),
        ({"outputs": [{"name": "a", "type": "float32", "meaning": ""}] * 2}, "same name"),
    ],
)
def test_a_wrong_config_is_refused_before_anything_is_loaded(native_directory, changes, message):
    with pytest.raises(SpecError, match=message):
        native.FORMAT.describe(native_directory(**changes))


def test_settings_that_the_network_does_not_know_are_refused_at_load(native_directory):
    with pytest.raises(SpecError, match="unknown key 'depth'"):
        load(native_directory(settings={"in_channels": 1, "num_outputs": 2, "depth": 5}))


def test_missing_unexpected_and_misshapen_tensors_are_named(native_directory):
    directory = native_directory()
    path = directory / "model.safetensors"
    weights = load_file(path)
    for change, message in (
        ({k: v for k, v in weights.items() if k != "8.bias"}, "missing: 8.bias"),
        (weights | {"extra": torch.zeros(1)}, "unexpected: extra"),
        (weights | {"8.bias": torch.zeros(3)}, r"8.bias is \[3\], must be \[2\]"),
    ):
        save_file(change, path)
        with pytest.raises(SpecError, match=message):
            load(directory)


def test_weights_kept_in_half_precision_run_in_float32(native_directory):
    directory = native_directory()
    path = directory / "model.safetensors"
    save_file({k: v.half() if v.is_floating_point() else v for k, v in load_file(path).items()}, path)
    assert load(directory).forward(images(1))["score_normal"].dtype == np.float32


def test_the_file_may_go_once_the_model_is_loaded(native_directory):
    directory = native_directory()
    model = load(directory)
    before = model.forward(images(2))["score_normal"]
    path = directory / "model.safetensors"
    path.write_bytes(bytes(path.stat().st_size))
    np.testing.assert_array_equal(model.forward(images(2))["score_normal"], before)


class Evil:
    def __reduce__(self):
        return (print, ("code ran",))


@pytest.mark.parametrize("how", ["pickle", "torch"])
def test_a_pickle_in_disguise_is_refused_and_does_not_run(native_directory, capsys, how):
    directory = native_directory()
    card = native.FORMAT.describe(directory)
    path = directory / "model.safetensors"
    if how == "pickle":
        path.write_bytes(pickle.dumps(Evil()))
    else:
        torch.save(Evil(), path)
    with pytest.raises(SecurityError, match="pickle or zip"):
        native.FORMAT.describe(directory)
    with pytest.raises(SecurityError, match="pickle or zip"):
        native.FORMAT.load(directory, card, Placement("cpu", 1))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00",
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 10**9) + b"{" + b" " * 100,
        struct.pack("<Q", 50) + b"{}",
        struct.pack("<Q", 2) + b"[]",
    ],
)
def test_a_header_that_lies_about_its_size_is_refused(native_directory, content):
    directory = native_directory()
    (directory / "model.safetensors").write_bytes(content)
    with pytest.raises(SpecError, match="not a safetensors file"):
        native.FORMAT.describe(directory)


def test_a_truncated_file_of_weights_is_refused(native_directory):
    directory = native_directory()
    path = directory / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(SpecError, match="safetensors"):
        load(directory)


def test_a_network_too_large_for_any_machine_is_refused_by_its_weights_not_by_memory(native_directory):
    huge = {"in_channels": 1, "num_outputs": 2, "channels": [8192] * 64, "strides": [1] * 64}
    with pytest.raises(SpecError, match="does not fit"):
        load(native_directory(settings=huge))


@pytest.mark.parametrize(
    ("array", "detail"),
    [
        (np.zeros((20, 20, 3), np.uint8), r"takes 1 channel\(s\), the prepared image has 3"),
        (np.zeros((4, 20, 20, 1), np.uint8), "two dimensions"),
        (np.zeros((20, 20), np.complex64), "numeric"),
        (np.zeros((0, 20), np.uint8), "1 pixels a side"),
    ],
)
def test_an_image_that_does_not_fit_is_out_of_contract(native_directory, array, detail):
    with pytest.raises(RecordError, match=detail) as error:
        load(native_directory()).forward([array])
    assert error.value.status is Status.OUT_OF_CONTRACT


def test_an_image_larger_than_memory_is_a_memory_error(native_directory):
    endless = np.broadcast_to(np.uint8(0), (2**24, 2**24))
    with pytest.raises(MemoryError):
        load(native_directory()).forward([endless])


def test_what_torch_raises_on_a_full_device_is_a_memory_error_and_other_errors_stay():
    with pytest.raises(MemoryError), memory_error():
        raise torch.OutOfMemoryError("CUDA out of memory")
    with pytest.raises(RuntimeError, match="shape"), memory_error():
        raise RuntimeError("shape mismatch")


def test_config_that_is_no_json_object_is_refused(native_directory):
    directory = native_directory()
    for content in (b"[" * 100_000, b"[1]", b"\xff", b"{"):
        (directory / "config.json").write_bytes(content)
        with pytest.raises(SpecError):
            describe(directory, "images")


def test_an_unknown_directory_lists_what_was_looked_for(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["BertModel"]}))
    with pytest.raises(SpecError, match=r"\*\.onnx.*ForImageClassification"):
        describe(tmp_path, "images")
    with pytest.raises(SpecError, match="not a model directory"):
        describe(tmp_path / "none", "images")


def test_the_config_may_say_which_values_the_network_takes(native_directory):
    directory = native_directory()
    path = directory / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"value_range": [-1024, 1024]}))
    assert describe(directory, "images")[1].value_range == (-1024, 1024)
