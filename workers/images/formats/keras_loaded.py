"""Loads and runs what workers.images.formats.keras describes. Imports torch.

Images go through the network as (N, C, H, W), weights are turned to that once, at load; only where Keras's own order of
numbers shows (Flatten) are they laid out as there.
"""

from pathlib import Path
from typing import Any

from torch import Tensor, nn

from schemas.errors import RecordError, SpecError
from schemas.status import Status
from workers.contract import ModelCard, Placement
from workers.images.formats import keras_layers
from workers.images.formats.classifier import TorchClassifier
from workers.images.formats.keras_file import open_weights, read_config
from workers.images.formats.keras_graph import KerasGraph, Layer, graph_of
from workers.images.formats.keras_modules import module_of
from workers.images.formats.to_tensor import ToTensor
from workers.models.device import set_up
from workers.models.memory import memory_error
from workers.models.weights import refuse_unfinite


class KerasNetwork(nn.Module):
    """The layers of a graph, each called with what the layers before it gave."""

    def __init__(self, graph: KerasGraph, modules: dict[str, nn.Module]) -> None:
        super().__init__()
        self._shape = graph.shape
        self._layers = graph.layers
        # Names of Keras may hold dots, which torch does not take.
        self.steps = nn.ModuleList(modules[layer.name] for layer in graph.layers[1:])
        self._last_use = {name: layer.name for layer in graph.layers for name in layer.inputs}

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) to (N, labels). Raises RecordError where the images are not of the size that the file states."""
        rows, columns, channels = self._shape
        found = (images.shape[2], images.shape[3], images.shape[1])
        if any(want not in (None, has) for want, has in zip(self._shape, found, strict=True)):
            wanted = f"{rows or 'any'} x {columns or 'any'} pixels and {channels} channel(s)"
            detail = f"the model takes {wanted}, the prepared image has {found[0]} x {found[1]} and {found[2]}"
            raise RecordError(Status.OUT_OF_CONTRACT, detail)
        values = {self._layers[0].name: images}
        for layer, step in zip(self._layers[1:], self.steps, strict=True):
            given = [values[name] for name in layer.inputs]
            for name in set(layer.inputs):
                if self._last_use[name] == layer.name:
                    del values[name]
            try:
                values[layer.name] = step(*given)
            except RuntimeError as error:
                if "size" not in str(error) and "shape" not in str(error):
                    raise
                detail = f"layer {layer.name!r} cannot take an image of {found[0]} x {found[1]} pixels"
                raise RecordError(Status.OUT_OF_CONTRACT, detail) from error
        return values[self._layers[-1].name]


def load(path: Path, card: ModelCard, placement: Placement) -> TorchClassifier:
    """Load the network and its weights. Raises SpecError where they do not fit each other."""
    set_up(placement.threads)
    network = read_network(path)
    with memory_error():
        network.to(placement.device)
    return TorchClassifier(network, card, ToTensor(placement.affine, placement.device, card.channels))


def read_network(path: Path) -> KerasNetwork:
    """The network of a file, for evaluation on the CPU. Raises SpecError, SecurityError."""
    graph = graph_of(read_config(path), str(path))
    modules: dict[str, nn.Module] = {}
    with open_weights(path) as weights:
        for layer in graph.layers[1:]:
            names = keras_layers.weights_of(layer.kind, layer.config)
            modules[layer.name] = _module(layer, weights.of(layer, names) if names else {}, path)
    network = KerasNetwork(graph, modules)
    refuse_unfinite(network.state_dict(), str(path))
    return network.eval().requires_grad_(False)


def _module(layer: Layer, arrays: dict[str, Any], path: Path) -> nn.Module:
    try:
        return module_of(layer, arrays)
    except (KeyError, TypeError, ValueError, RuntimeError, IndexError) as error:
        raise SpecError(f"{path}: layer {layer.name!r}: its weights do not fit its settings ({error})") from error
