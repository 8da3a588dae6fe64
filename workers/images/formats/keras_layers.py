"""The layers of Keras that image classifiers use: what each may be set to, and which weights it has. Imports no torch.

Every layer that is not here is refused by name, so that nothing a file names is ever looked up or evaluated.
"""

from collections.abc import Callable, Mapping
from typing import Any

Config = Mapping[str, Any]

ACTIVATIONS = frozenset(
    {"linear", "relu", "relu6", "sigmoid", "softmax", "tanh", "elu", "selu", "gelu", "silu", "swish", "softplus"}
    | {"softsign", "hard_sigmoid", "leaky_relu"}
)

IDLE = frozenset(
    {"Dropout", "SpatialDropout2D", "GaussianDropout", "GaussianNoise", "AlphaDropout", "ActivityRegularization"}
    | {"RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast", "RandomBrightness"}
)
"""What works in training only."""

MERGES = frozenset({"Add", "Multiply", "Average", "Maximum", "Concatenate"})
CONVOLUTIONS = frozenset({"Conv2D", "DepthwiseConv2D", "SeparableConv2D"})
POOLS = frozenset({"MaxPooling2D", "AveragePooling2D"})
GLOBAL_POOLS = frozenset({"GlobalAveragePooling2D", "GlobalMaxPooling2D"})


def _biased(*names: str) -> Callable[[Config], tuple[str, ...]]:
    return lambda config: (*names, "bias") if config.get("use_bias", True) else names


def _of_batch_norm(config: Config) -> tuple[str, ...]:
    learned = (("scale", "gamma"), ("center", "beta"))
    return (*(name for key, name in learned if config.get(key, True)), "moving_mean", "moving_variance")


WEIGHTS: Mapping[str, Callable[[Config], tuple[str, ...]]] = {
    "Conv2D": _biased("kernel"),
    "DepthwiseConv2D": _biased("kernel"),
    "SeparableConv2D": _biased("depthwise_kernel", "pointwise_kernel"),
    "Dense": _biased("kernel"),
    "BatchNormalization": _of_batch_norm,
    "Normalization": lambda config: ("mean", "variance", "count") if config.get("mean") is None else (),
}
"""Names of a layer's weights, in the order in which Keras stores them."""

KNOWN = (
    IDLE
    | MERGES
    | CONVOLUTIONS
    | POOLS
    | GLOBAL_POOLS
    | {
        "InputLayer",
        "Rescaling",
        "Normalization",
        "BatchNormalization",
        "Dense",
        "Flatten",
        "Activation",
        "ReLU",
        "LeakyReLU",
        "ELU",
        "Softmax",
        "ZeroPadding2D",
    }
)


def weights_of(kind: str, config: Config) -> tuple[str, ...]:
    """Names of the weights of a layer of this kind, in the order in which Keras stores them."""
    named = WEIGHTS.get(kind)
    return named(config) if named else ()


def problem(kind: str, config: Config, rank: int) -> str | None:
    """What of a layer's settings is not supported; None where all is. `rank` is that of its input: 4 or 2."""
    if kind not in KNOWN:
        return f"layers {kind} are not supported; supported are {', '.join(sorted(KNOWN))}"
    policy = config.get("dtype") or "float32"
    if isinstance(policy, dict):
        policy = (policy.get("config") or {}).get("name")
    if policy != "float32":
        return f"it computes in {policy}: save the model with dtype float32"
    if config.get("data_format") not in (None, "channels_last"):
        return f"data_format {config['data_format']!r} is not supported: only channels_last is"
    if rank != 4 and kind in CONVOLUTIONS | POOLS | GLOBAL_POOLS | {"ZeroPadding2D"}:
        return "it stands after a layer that left no image"
    if config.get("activation", "linear") not in (None, *ACTIVATIONS):
        return f"activation {_name(config['activation'])} is not supported; are {', '.join(sorted(ACTIVATIONS))}"
    if config.get("padding", "same") not in ("same", "valid") and kind != "ZeroPadding2D":
        return f"padding {config['padding']!r} is not supported"
    last = (-1, rank - 1, [-1], [rank - 1])
    if "axis" in config and config["axis"] not in last and not (kind == "Normalization" and config["axis"] is None):
        return f"axis {config['axis']} is not supported: only the last is"
    if config.get("invert"):
        return "invert is not supported"
    return None


def _name(value: Any) -> str:
    found = value.get("class_name", value) if isinstance(value, dict) else value
    return repr(found)[:80]
