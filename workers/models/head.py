"""From a network's raw outputs to named scores: which activation, which labels, which columns."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from schemas.errors import SpecError
from schemas.frozen import Frozen
from schemas.outputs import OutputField

Activation = Literal["sigmoid", "softmax", "none"]
Array = NDArray[Any]


class Head(Frozen):
    """`labels` name the outputs of the network in order. `sigmoid`: each on its own; `softmax`: one of them holds."""

    activation: Activation
    labels: tuple[str, ...] = Field(min_length=1)


def column_name(label: str) -> str:
    """`score_` and the label in small ASCII letters and digits; any run of other characters becomes one `_`.

    `Pleural Effusion` gives `score_pleural_effusion`. Raises SpecError if nothing remains.
    """
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    if not name:
        raise SpecError(f"label {label!r} has no letter or digit for a column name: rename it in the model directory")
    return f"score_{name}"


def score_fields(head: Head) -> tuple[OutputField, ...]:
    """One float32 column a label. Raises SpecError if two labels give the same column."""
    by_name: dict[str, str] = {}
    for label in head.labels:
        name = column_name(label)
        if name in by_name:
            raise SpecError(
                f"labels {by_name[name]!r} and {label!r} both give the column {name!r}: "
                "rename one of them in the model directory"
            )
        by_name[name] = label
    kind = {"sigmoid": "probability (sigmoid)", "softmax": "probability (softmax)", "none": "raw output"}
    return tuple(
        OutputField(name=name, type="float32", meaning=f"{kind[head.activation]} of {label!r}")
        for name, label in by_name.items()
    )


def check_fields(head: Head, outputs: Sequence[OutputField], where: str) -> tuple[OutputField, ...]:
    """Declared outputs, which stand for the labels in order. None declared: the default ones."""
    if not outputs:
        return score_fields(head)
    if len(outputs) != len(head.labels) or any(output.type != "float32" for output in outputs):
        raise SpecError(f"{where}: outputs must be one float32 a label ({len(head.labels)}), in their order")
    names = [output.name for output in outputs]
    if len(set(names)) != len(names):
        raise SpecError(f"{where}: two outputs have the same name")
    return tuple(outputs)


def activate(logits: Array, activation: Activation) -> Array:
    """(N, labels) raw outputs to scores, float32."""
    logits = np.asarray(logits, dtype=np.float32)
    if activation == "none":
        return logits
    if activation == "sigmoid":
        tail = np.exp(-np.abs(logits))
        return np.where(logits >= 0, 1 / (1 + tail), tail / (1 + tail)).astype(np.float32)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)


def by_column(outputs: Sequence[OutputField], scores: Array) -> Mapping[str, Array]:
    """(N, columns) scores as one array a column."""
    return {output.name: np.ascontiguousarray(scores[:, i]) for i, output in enumerate(outputs)}
