"""A torch network written as an ONNX graph. Imports torch."""

import io
import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

_OPSET = 17


def traced(network: Any, example: Tensor, free: Mapping[int, str], name: str, *, dense: bool = False) -> bytes:
    """The graph from input `name` to output `logits`. Axes of the input that are `free` take any number; of the output
    the first does, and with `dense` all that do of the input."""
    sink = io.BytesIO()
    with warnings.catch_warnings():
        # The exporter by tracing needs no further package, and says at each call that another is newer.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (example,),
            sink,  # type: ignore[arg-type]  # torch's annotation lacks files, which this exporter takes
            dynamo=False,
            input_names=[name],
            output_names=["logits"],
            dynamic_axes={name: dict(free), "logits": dict(free) if dense else {0: free[0]}},
            opset_version=_OPSET,
        )
    return sink.getvalue()
