"""Networks of Keras files answer as Keras does: Keras itself, with torch under it, is asked."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from schemas.errors import RecordError, SecurityError, SpecError
from workers.contract import Affine, Placement
from workers.images.formats import keras
from workers.images.formats.keras_loaded import load


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The package itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", "torch")
        patch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
        import keras as package

        return package


def _starter(k: Any) -> Any:
    """The network of Keras's own first example."""
    layer = k.layers
    return k.Sequential(
        [
            k.Input((28, 28, 1)),
            layer.Rescaling(1 / 255),
            layer.Conv2D(32, 3, activation="relu", name="first"),
            layer.MaxPooling2D(2),
            layer.Conv2D(64, 3, activation="relu", name="named_otherwise"),
            layer.MaxPooling2D(2),
            layer.Flatten(),
            layer.Dropout(0.5),
            layer.Dense(10, activation="softmax", name="scores"),
        ]
    )


def _every_layer(k: Any) -> Any:
    """All other layers, with padding that is odd."""
    layer = k.layers
    start = k.Input((21, 18, 3))
    x = layer.RandomFlip()(layer.Normalization(mean=[1.0, 2.0, 3.0], variance=[1.0, 4.0, 9.0])(start))
    left = layer.SeparableConv2D(8, 3, strides=2, padding="same", depth_multiplier=2, activation="gelu")(x)
    right = layer.Conv2D(8, (1, 3), strides=2, padding="same", use_bias=False)(x)
    x = layer.Maximum()([layer.Add()([left, right]), layer.Multiply()([left, right]), layer.Average()([left, right])])
    x = layer.BatchNormalization(scale=False)(layer.ReLU(4.0, 0.1, 0.5)(x))
    x = layer.ZeroPadding2D(((2, 0), (1, 3)))(x)
    x = layer.AveragePooling2D(3, 2, padding="same")(layer.DepthwiseConv2D(3, depth_multiplier=2)(x))
    x = layer.MaxPooling2D(2, 1, padding="same")(layer.Conv2D(8, 3, dilation_rate=2, padding="same", groups=4)(x))
    x = layer.Dense(6, activation="swish")(layer.LeakyReLU(0.3)(layer.ELU()(x)))
    x = layer.Multiply()([x, layer.GlobalAveragePooling2D(keepdims=True)(layer.Activation("hard_sigmoid")(x))])
    x = layer.Concatenate()([layer.GlobalMaxPooling2D()(x), layer.GlobalAveragePooling2D()(x), layer.Flatten()(x)])
    return k.Model(start, layer.Softmax()(layer.BatchNormalization()(layer.Dense(4)(x))))


def _mobile(k: Any) -> Any:
    return k.applications.MobileNetV2((64, 64, 3), weights=None, classes=7)


def _saved(network: Any, directory: Path, name: str) -> Path:
    generator = np.random.default_rng(3)
    for variable in network.weights:
        low = 0.5 if "variance" in variable.path else -0.3
        variable.assign(generator.uniform(low, low + 0.8, variable.shape))
    network.save(directory / name)
    return directory


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
@pytest.mark.parametrize("make", [_starter, _every_layer, _mobile])
def test_scores_are_those_of_keras(make: Callable[[Any], Any], name: str, real: Any, tmp_path: Path) -> None:
    network = make(real)
    directory = _saved(network, tmp_path, name)
    rows, columns, channels = network.input_shape[1:]
    images = np.random.default_rng(1).integers(0, 255, (5, rows, columns, channels), dtype=np.uint8)
    model = load(directory / name, keras.FORMAT.describe(directory), Placement("cpu", 1, Affine(1 / 64)))
    found = model.forward([image[..., 0] if channels == 1 else image for image in images])
    wanted = network.predict(images.astype(np.float32) / 64, verbose=0)
    np.testing.assert_allclose(np.stack(list(found.values()), axis=1), wanted, atol=1e-5)
    assert np.ptp(wanted) > 0.1


def test_statistics_that_a_normalization_learned_are_read(real: Any, tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).normal(9, 3, (8, 6, 6, 1)).astype(np.float32)
    learned = real.layers.Normalization()
    learned.adapt(pictures)
    layer = real.layers
    network = real.Sequential([real.Input((6, 6, 1)), learned, layer.Flatten(), layer.Dense(1, activation="sigmoid")])
    network.save(tmp_path / "model.keras")
    model = load(tmp_path / "model.keras", keras.FORMAT.describe(tmp_path), Placement("cpu"))
    found = model.forward(list(pictures))["score_0"]
    np.testing.assert_allclose(found, network.predict(pictures, verbose=0)[:, 0], atol=1e-5)


def test_an_image_of_another_size_is_out_of_contract(real: Any, tmp_path: Path) -> None:
    directory = _saved(_starter(real), tmp_path, "model.keras")
    model = load(directory / "model.keras", keras.FORMAT.describe(directory), Placement("cpu"))
    with pytest.raises(RecordError, match="takes 28 x 28 pixels and 1 channel"):
        model.forward([np.zeros((30, 28), np.uint8)])


def test_layers_with_code_or_of_other_kinds_are_refused_by_name(real: Any, tmp_path: Path) -> None:
    layer = real.layers
    for extra, told in (
        (layer.Lambda(lambda x: x), "layer 'lambda': layers Lambda are not supported"),
        (layer.GroupNormalization(2), "layers GroupNormalization are not supported"),
        (layer.Conv2D(2, 3, data_format="channels_first"), "data_format 'channels_first' is not supported"),
        (layer.Conv2D(2, 3, dtype="mixed_float16"), "it computes in mixed_float16"),
        (layer.BatchNormalization(axis=1), "axis 1 is not supported"),
        (real.Sequential([layer.Conv2D(2, 3)]), "layers Sequential are not supported"),
    ):
        network = real.Sequential([real.Input((8, 8, 4)), extra, layer.Flatten(), layer.Dense(2)])
        network.save(tmp_path / "model.keras")
        with pytest.raises(SpecError, match=told):
            keras.FORMAT.describe(tmp_path)


def test_a_class_of_somebodys_own_is_refused_whatever_it_is_called(real: Any, tmp_path: Path) -> None:
    @real.saving.register_keras_serializable("mine")
    class Dense(real.layers.Dense):
        pass

    real.Sequential([real.Input((4, 4, 1)), real.layers.Flatten(), Dense(2)]).save(tmp_path / "model.keras")
    with pytest.raises(SpecError, match="layers mine>Dense are not supported"):
        keras.FORMAT.describe(tmp_path)


def test_weights_of_another_network_are_refused_by_the_layer(real: Any, tmp_path: Path) -> None:
    directory = _saved(_starter(real), tmp_path, "model.keras")
    _rewrite(directory / "model.keras", lambda config: config["config"]["layers"][-1]["config"].update(units=9))
    card = keras.FORMAT.describe(directory)
    with pytest.raises(SpecError, match="layer 'scores': its weights do not fit its settings"):
        load(directory / "model.keras", card, Placement("cpu"))


def test_weights_that_point_to_another_file_are_refused(real: Any, tmp_path: Path) -> None:
    directory = _saved(_starter(real), tmp_path, "model.h5")
    card = keras.FORMAT.describe(directory)
    with h5py.File(tmp_path / "elsewhere", "w") as other:
        other["kernel"] = np.zeros((3, 3, 1, 32), np.float32)
    with h5py.File(directory / "model.h5", "a") as file:
        group = file["model_weights/first"]
        name = group.attrs["weight_names"][0]
        del group[name]
        group[name] = h5py.ExternalLink(str(tmp_path / "elsewhere"), "kernel")
    with pytest.raises(SecurityError, match="points elsewhere"):
        load(directory / "model.h5", card, Placement("cpu"))


def test_what_is_no_file_of_keras_is_refused(tmp_path: Path) -> None:
    for name, content, told in (
        ("a.keras", b"PK no", "is not a .keras file that can be read"),
        ("a.h5", b"no", "cannot be read as HDF5 of Keras"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SpecError, match=told):
            keras.FORMAT.describe(tmp_path)
        (tmp_path / name).unlink()


def _rewrite(path: Path, change: Callable[[Any], None]) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config)
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
