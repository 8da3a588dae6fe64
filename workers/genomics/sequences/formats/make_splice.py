"""A directory of format `splice-cnn` made from Keras files of the published layout, as the package `spliceai` has them.

Needs h5py, and neither Keras nor TensorFlow. Layers are told apart by the order in which they were made: the stem and
its skip connection, block after block two convolutions, behind every fourth block its skip connection, last the head.
"""

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from schemas.errors import SpecError, UsageError
from workers.genomics.sequences.formats.splice import FORMAT
from workers.models.network_directory import CONFIG

SKIP_EVERY = 4
LABELS = ("neither", "acceptor", "donor")
"""The outputs of the published networks, in their order."""

_PARTS = {
    "kernel": "weight", "bias": "bias", "gamma": "weight", "beta": "bias",
    "moving_mean": "running_mean", "moving_variance": "running_var",
}  # fmt: skip

Tensors = dict[str, NDArray[Any]]


def make_splice_directory(weights: Sequence[Path], genes: Path, target: Path) -> Path:
    """Write the networks of these `.h5` files, their table of genes and `config.json` under `target`, and return it.

    Raises UsageError where h5py is not installed, SpecError for a file of another layout and for genes that are none.
    """
    target.mkdir(parents=True, exist_ok=True)
    settings: Mapping[str, Any] = {}
    names = []
    for number, path in enumerate(weights, start=1):
        found, tensors = _read(path)
        if settings and found != settings:
            raise SpecError(f"{path}: is a network of other sizes than {weights[0].name}")
        settings = found
        names.append(f"{number}.safetensors")
        save_file(tensors, target / names[-1])
    shutil.copyfile(genes, target / genes.name)
    widths = zip(settings["kernels"], settings["dilations"], strict=True)
    said = {
        "format": "splice-cnn",
        "format_version": 1,
        "network": "dilated_resnet",
        "settings": settings,
        "weights": names,
        "context": 2 * sum((kernel - 1) * dilation for kernel, dilation in widths),
        "head": {"activation": "softmax", "labels": LABELS},
        "genes": genes.name,
        "notes": f"made from {', '.join(path.name for path in weights)}",
    }
    (target / CONFIG).write_text(json.dumps(said, indent=2) + "\n")
    FORMAT.describe(target)
    return target


def _read(path: Path) -> tuple[Mapping[str, Any], Tensors]:
    """Settings and tensors of one network, by our names."""
    try:
        import h5py  # noqa: PLC0415 - only those who convert need it
    except ImportError:
        raise UsageError("package 'h5py' is not installed, which reads files of Keras: pip install h5py") from None
    with h5py.File(path, "r") as file:
        layers = json.loads(file.attrs["model_config"])["config"]["layers"]
        convolutions, norms = (_of_class(layers, kind) for kind in ("Conv1D", "BatchNormalization"))
        ours = _ours(len(norms) // 2)
        if len(convolutions) != len(ours) or len(norms) % (2 * SKIP_EVERY):
            raise _other_layout(path)
        named = dict(zip(ours, convolutions, strict=True))
        for number, norm in enumerate(norms):
            named[f"blocks.{number // 2}.norm{number % 2 + 1}"] = norm
        tensors = {
            f"{name}.{part}": value
            for name, layer in named.items()
            for part, value in _tensors(file["model_weights"][layer["name"]]).items()
        }
    return _settings(named, len(norms) // 2, path), tensors


def _ours(blocks: int) -> list[str]:
    """Names of the convolutions, in the order in which the published script makes them."""
    names = ["stem", "skip"]
    for block in range(blocks):
        names += [f"blocks.{block}.conv1", f"blocks.{block}.conv2"]
        names += [f"skips.{block // SKIP_EVERY}"] if (block + 1) % SKIP_EVERY == 0 else []
    return [*names, "head"]


def _of_class(layers: Sequence[Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    """Configurations of the layers of a class by their number: Keras counts them as they are made."""
    found = [layer["config"] for layer in layers if layer["class_name"] == kind]
    return sorted(found, key=lambda layer: int((re.findall(r"_(\d+)$", layer["name"]) or ["0"])[0]))


def _settings(layers: Mapping[str, Mapping[str, Any]], blocks: int, path: Path) -> Mapping[str, Any]:
    """Settings of `dilated_resnet`. Raises SpecError where the two halves of a block differ."""
    sizes = {
        name: (layer.get("kernel_size", [0])[0], layer.get("dilation_rate", [1])[0]) for name, layer in layers.items()
    }
    halves = [tuple(sizes[f"blocks.{block}.conv{half}"] for half in (1, 2)) for block in range(blocks)]
    narrow = {size for name, (size, _) in sizes.items() if not name.startswith("blocks")}
    if narrow != {1} or any(first != second for first, second in halves):
        raise _other_layout(path)
    return {
        "num_outputs": layers["head"]["filters"],
        "channels": layers["stem"]["filters"],
        "kernels": [first[0] for first, _ in halves],
        "dilations": [first[1] for first, _ in halves],
        "skip_every": SKIP_EVERY,
        "norm_eps": layers["blocks.0.norm1"]["epsilon"],
    }


def _other_layout(path: Path) -> SpecError:
    return SpecError(f"{path}: its layers are not those of the published splice networks: convert it by hand")


def _tensors(group: Any) -> Tensors:
    """The tensors of a layer by torch's names: a kernel of Keras is (width, in, out), of torch (out, in, width)."""
    tensors: Tensors = {}
    for raw in group.attrs["weight_names"]:
        name = raw.decode() if isinstance(raw, bytes) else str(raw)
        value = np.asarray(group[name], np.float32)
        part = _PARTS[name.rpartition("/")[2].partition(":")[0]]
        tensors[part] = np.ascontiguousarray(value.transpose(2, 1, 0)) if value.ndim == 3 else value
    if "running_mean" in tensors:
        tensors["num_batches_tracked"] = np.zeros((), np.int64)
    return tensors
