"""What any Hugging Face directory must be before it is loaded: no code, no pickle, no adapter."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from schemas.errors import SecurityError, SpecError
from workers.models.files import CONVERT, TensorTotals, all_tensors, check_safetensors, confined, read_json
from workers.models.head import Activation, Head

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"

_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_SAFE_ATTENTION = (None, "eager", "sdpa")

_OTHER_FILES = frozenset({"transformers_weights", "configuration_files", "fast_tokenizer_files", "gguf_file"})
"""Keys by which transformers takes files of another name than those that were looked at."""
_NAMES_NO_FILE = frozenset({"special_tokens_map_file"})
"""Where a tokenizer was saved once, in many published directories; nothing reads it."""
_MOST_LABELS = 100_000
_LARGEST_SIZE = 10_000_000
"""Above that a size has to be seen in the weights: positions of some networks have none there."""
_MOST_LAYERS = 1000
_SIZE = re.compile(
    r"size|dim|label|layer|head|position|embed|channel|width|depth|block|unit|kernel|expert|group|hidden|inner|state"
    r"|landmark|bucket|chunk|window|\Ad_|\An_|\Anum_"
)
_LAYERS = re.compile(r"layer|depth|block|\An_layer")


class ArchitectureFormat:
    """A format that is recognised by the class of transformers that wrote `config.json`."""

    suffix: ClassVar[str]
    """How the name of that class ends."""

    @property
    def looks_for(self) -> str:
        """`config.json` with such a class, for people."""
        return f"{CONFIG} with architectures '...{self.suffix}'"

    def recognises(self, directory: Path) -> bool:
        """Whether `config.json` names such a class."""
        path = directory / CONFIG
        return path.is_file() and architecture_of(read_json(path)).endswith(self.suffix)


def read_config(directory: Path) -> dict[str, Any]:
    """`config.json` of a directory that may be loaded, its weights looked at too.

    Raises SecurityError for what could run code, SpecError for weights that are missing or not plain float32.
    """
    path = directory / CONFIG
    config = read_json(path)
    refuse_code(config, path)
    tensors, size, _ = check_weights(directory)
    refuse_adapters(config, directory)
    _check_sizes(config, path, tensors, size)
    return config


def head_of(config: Mapping[str, Any], path: Path) -> Head:
    """Labels and activation. transformers' defaults: two labels, LABEL_0 and LABEL_1."""
    names = config.get("id2label") or {}
    try:
        by_number = {int(number): str(label) for number, label in names.items()}
        count = len(by_number) or int(config.get("num_labels", 2))
        if count > _MOST_LABELS:
            raise SpecError(f"{path}: has {count} labels, at most {_MOST_LABELS} are supported: correct num_labels")
        labels = [by_number[i] for i in range(count)] if by_number else [f"LABEL_{i}" for i in range(count)]
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise SpecError(f"{path}: id2label must name the labels 0, 1, 2 and so on") from error
    if not labels:
        raise SpecError(f"{path}: has no labels")
    return Head(activation=_activation(config.get("problem_type"), len(labels)), labels=tuple(labels))


def refuse_code(config: Any, path: Path) -> None:
    """Raises SecurityError if a configuration names code of its own, kernels or files from elsewhere, at any depth."""
    for key, value in _entries(config):
        if key in ("auto_map", "custom_pipelines") and value:
            raise SecurityError(f"{path}: {key!r} asks for code of the model's own: export the model to ONNX instead")
        if value and (key in _OTHER_FILES or (key.endswith("_file") and key not in _NAMES_NO_FILE)):
            raise SecurityError(
                f"{path}: {key!r} has transformers take another file than the one that is looked at and hashed: remove "
                "it, and give the file its usual name"
            )
        if key == "use_pretrained_backbone" and value:
            raise SecurityError(f"{path}: {key!r} fetches another model: save this one whole, and set it to false")
        if "implementation" in key and not isinstance(value, dict) and value not in _SAFE_ATTENTION:
            raise SecurityError(f"{path}: {key!r} may be 'eager' or 'sdpa' only: other values can fetch kernels")


def refuse_adapters(config: Mapping[str, Any], directory: Path) -> None:
    """Raises SpecError for weights that are quantised, or that lie beside the model as an adapter."""
    for key in ("quantization_config", "adapter_config"):
        if config.get(key) is not None or (directory / f"{key}.json").exists():
            raise SpecError(f"{directory / CONFIG}: {key!r} is not supported: save it in float32, adapters merged")


def check_weights(directory: Path) -> TensorTotals:
    """How much there is. Raises SecurityError if there are only pickles or shards lie elsewhere, SpecError if there are
    no weights.
    """
    if (directory / WEIGHTS).is_file():
        return check_safetensors(directory / WEIGHTS)
    if not (directory / INDEX).is_file():
        if any(next(directory.glob(pattern), None) for pattern in _PICKLES):
            raise SecurityError(f"{directory}: holds pickled weights only, which can run code when loaded: {CONVERT}")
        raise SpecError(f"{directory}: holds neither {WEIGHTS} nor {INDEX}")
    shards = read_json(directory / INDEX).get("weight_map")
    if not isinstance(shards, dict) or not shards:
        raise SpecError(f"{directory / INDEX}: has no weight_map")
    found = []
    for name in sorted({str(shard) for shard in shards.values()}):
        if not name.endswith(".safetensors"):
            raise SecurityError(f"{directory / INDEX}: names {name!r}, which is no safetensors file")
        found.append(check_safetensors(confined(directory, name)))
    return all_tensors(found)


def _check_sizes(config: Mapping[str, Any], path: Path, tensors: int, size: int) -> None:
    """Raises SpecError for a size that the weights cannot have: a library would make room for it before it looks."""
    for key, value in _entries(config):
        for number in value if isinstance(value, list) else [value]:
            if not isinstance(number, int | float) or isinstance(number, bool) or not _SIZE.search(key):
                continue
            most = max(_MOST_LAYERS, tensors) if _LAYERS.search(key) else max(_LARGEST_SIZE, size)
            if number > most and not (_LAYERS.search(key) and number <= _LARGEST_SIZE and "size" in key):
                raise SpecError(f"{path}: {key!r} is {number}, and the weights have {tensors} tensors: correct it")


def _activation(problem_type: Any, labels: int) -> Activation:
    if problem_type == "regression":
        return "none"
    return "sigmoid" if problem_type == "multi_label_classification" or labels == 1 else "softmax"


def architecture_of(config: Mapping[str, Any]) -> str:
    """The class of transformers that wrote the directory, or nothing."""
    names = config.get("architectures")
    return str(names[0]) if isinstance(names, list) and names else ""


def _entries(config: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(config, dict):
        for key, value in config.items():
            yield str(key), value
            yield from _entries(value)
    elif isinstance(config, list):
        for value in config:
            yield from _entries(value)
