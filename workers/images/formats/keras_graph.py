"""The configuration of a Keras model as a list of layers in the order in which they run. Imports no torch, no Keras."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.errors import SpecError
from workers.images.formats import keras_layers

_UNCHANGED = keras_layers.IDLE | {"Activation", "ReLU", "LeakyReLU", "ELU", "Softmax", "BatchNormalization"}


@dataclass(frozen=True)
class Layer:
    """`inputs` are the names of the layers whose outputs it takes. `place` is the name under which a `.keras` file has
    its weights: that of its kind, counted.
    """

    name: str
    kind: str
    config: Mapping[str, Any]
    inputs: tuple[str, ...]
    place: str


@dataclass(frozen=True)
class KerasGraph:
    """`shape` is (rows, columns, channels) of the input, None where free. `layers` begin with the input and end with
    the output; `labels` is how many numbers that has. `activation` is the last one, for people.
    """

    shape: tuple[int | None, int | None, int]
    layers: tuple[Layer, ...]
    labels: int
    activation: str


def graph_of(config: Mapping[str, Any], where: str) -> KerasGraph:
    """The layers of a Sequential or Functional model. Raises SpecError that names what is not supported."""
    try:
        return _graph(config, where)
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        raise SpecError(f"{where}: is not a model configuration of Keras ({type(error).__name__}: {error})") from error


def _graph(config: Mapping[str, Any], where: str) -> KerasGraph:
    kind, model = config["class_name"], config["config"]
    custom = config.get("registered_name") not in (None, kind) or kind not in ("Sequential", "Functional", "Model")
    if custom:
        raise SpecError(f"{where}: is a {config.get('registered_name') or kind}, must be a Sequential or Functional")
    layers = _sequence(model) if kind == "Sequential" else _network(model, where)
    for layer in layers[1:]:
        if len(layer.inputs) != 1 and layer.kind not in keras_layers.MERGES:
            raise SpecError(f"{where}: layer {layer.name!r} takes {len(layer.inputs)} inputs, must take one")
    _check(layers, where)
    shape = layers[0].config["shape"]
    if len(shape) != 4 or not isinstance(shape[3], int):
        raise SpecError(f"{where}: takes inputs of shape {shape}, must take images of known channels")
    return KerasGraph(tuple(shape[1:]), tuple(layers), _labels(layers, where), _activation(layers))


def _layer(entry: Mapping[str, Any], inputs: Sequence[str], counts: dict[str, int]) -> Layer:
    kind = entry["class_name"]
    if entry.get("registered_name") not in (None, kind):
        # A class of somebody's own may bear the name of one of Keras's.
        kind = entry["registered_name"]
    snake = "".join(
        f"_{c}" if c.isupper() and i and (kind[i - 1].islower() or kind[i + 1 : i + 2].islower()) else c
        for i, c in enumerate(kind)
    ).lower()
    count = counts.get(snake, 0)
    counts[snake] = count + 1
    place = f"{snake}_{count}" if count else snake
    return Layer(str(entry["config"]["name"]), kind, entry["config"], tuple(inputs), place)


def _input(name: str, shape: Any) -> Layer:
    return Layer(name, "InputLayer", {"shape": shape}, (), "")


def _shape(config: Mapping[str, Any]) -> Any:
    return config.get("batch_shape") or config.get("batch_input_shape")


def _sequence(model: Any) -> list[Layer]:
    # The oldest files have the list itself as the configuration.
    entries = model if isinstance(model, list) else model["layers"]
    built = None if isinstance(model, list) else model.get("build_input_shape")
    first = entries[0]["config"]
    layers = [_input("input of the model", _shape(first) or built)]
    counts: dict[str, int] = {}
    for entry in entries:
        if entry["class_name"] != "InputLayer":
            layers.append(_layer(entry, [layers[-1].name], counts))
    return layers


def _network(model: Mapping[str, Any], where: str) -> list[Layer]:
    ends = [_ends(model[key]) for key in ("input_layers", "output_layers")]
    if [len(end) for end in ends] != [1, 1]:
        raise SpecError(f"{where}: has {len(ends[0])} inputs and {len(ends[1])} outputs, must have one of each")
    counts: dict[str, int] = {}
    waiting = {}
    for entry in model["layers"]:
        nodes = entry["inbound_nodes"]
        if len(nodes) > 1:
            raise SpecError(f"{where}: layer {entry['config']['name']!r} is used {len(nodes)} times, must be used once")
        layer = _layer(entry, _sources(nodes[0]) if nodes else (), counts)
        waiting[layer.name] = layer
    start = waiting.pop(ends[0][0])
    ordered = [_input(start.name, _shape(start.config))]
    done = {start.name}
    while waiting:
        ready = [layer for layer in waiting.values() if layer.inputs and done.issuperset(layer.inputs)]
        if not ready:
            raise SpecError(f"{where}: layer {next(iter(waiting))!r} has no way from the input")
        for layer in ready:
            ordered.append(waiting.pop(layer.name))
            done.add(layer.name)
    output = next(layer for layer in ordered if layer.name == ends[1][0])
    return [*(layer for layer in ordered if layer is not output), output]


def _ends(value: Any) -> list[str]:
    """Names in `["a", 0, 0]` or `[["a", 0, 0], ...]`."""
    return [value[0]] if isinstance(value[0], str) else [one[0] for one in value]


def _sources(node: Any) -> list[str]:
    """Names of the layers before: as Keras 3 writes them, or Keras 2. Raises ValueError for calls with more to them."""
    if isinstance(node, dict):
        _refuse_arguments(node.get("kwargs", {}))
        given = node["args"][0] if len(node["args"]) == 1 else node["args"]
        return [_kept(part) for part in (given if isinstance(given, list) else [given])]
    for part in node:
        _refuse_arguments(part[3] if len(part) > 3 else {})
    return [part[0] for part in node]


def _refuse_arguments(given: Mapping[str, Any]) -> None:
    # Whatever `training` a call was drawn with, Keras predicts with training=False.
    if any(value is not None for name, value in given.items() if name != "training"):
        raise ValueError(f"a layer is called with {', '.join(given)}")


def _kept(tensor: Mapping[str, Any]) -> str:
    name, node, output = tensor["config"]["keras_history"]
    if (node, output) != (0, 0):
        raise ValueError(f"output {output} of call {node} of layer {name!r} is used")
    return str(name)


def _check(layers: Sequence[Layer], where: str) -> None:
    """Every layer is known and as it is supported; ranks go from 4 (an image) to 2. Raises SpecError."""
    if len({layer.name for layer in layers}) != len(layers):
        raise SpecError(f"{where}: two layers have the same name")
    ranks = {layers[0].name: 4}
    for layer in layers[1:]:
        found = {ranks[name] for name in layer.inputs}
        rank = max(found)
        wrong = keras_layers.problem(layer.kind, layer.config, rank)
        if len(found) > 1:
            wrong = "it joins images with rows of numbers"
        if wrong:
            raise SpecError(f"{where}: layer {layer.name!r}: {wrong}")
        flat = layer.kind == "Flatten" or (layer.kind in keras_layers.GLOBAL_POOLS and not layer.config.get("keepdims"))
        ranks[layer.name] = 2 if flat else rank
    if ranks[layers[-1].name] != 2:
        raise SpecError(f"{where}: ends with {layers[-1].name!r}, which gives images: a classifier ends with numbers")


def _before(layer: Layer, layers: Sequence[Layer]) -> Layer:
    return next(other for other in layers if other.name == layer.inputs[0])


def _labels(layers: Sequence[Layer], where: str) -> int:
    """How many numbers the last layer gives: what the last Dense or convolution before it has."""
    layer = layers[-1]
    while layer.inputs and layer.kind not in ("Dense", "Conv2D", "SeparableConv2D"):
        if layer.kind not in _UNCHANGED | keras_layers.GLOBAL_POOLS:
            raise SpecError(f"{where}: its outputs cannot be counted: end it with a Dense layer, not {layer.kind}")
        layer = _before(layer, layers)
    if not layer.inputs:
        raise SpecError(f"{where}: has no layer that gives scores")
    return int(layer.config["units" if layer.kind == "Dense" else "filters"])


def _activation(layers: Sequence[Layer]) -> str:
    layer = layers[-1]
    while layer.kind in keras_layers.IDLE:
        layer = _before(layer, layers)
    return "softmax" if layer.kind == "Softmax" else str(layer.config.get("activation") or "linear")
