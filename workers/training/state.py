"""All that a training is at one moment, as the bytes of one safetensors file: no pickle is ever read."""

import json
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from schemas.errors import RefusedError

_KEY = "wardround"


@dataclass
class Progress:
    """Where a training is, and what it came to. `epoch` and `step` are those that come next."""

    epoch: int = 0
    step: int = 0
    best_epoch: int | None = None
    best: float | None = None
    worse: int = 0
    """Epochs in a row that were not better."""
    seen: int = 0
    """Labels of this epoch so far."""
    loss: float = 0.0
    """Sum of their losses."""
    history: list[dict[str, Any]] = field(default_factory=list)
    scaler: dict[str, Any] = field(default_factory=dict)
    """The state of the scaler of mixed precision with 16-bit floats."""


@dataclass
class State:
    """`tensors` by group and name: weights, their average, the best ones, and what the optimiser keeps."""

    progress: Progress
    tensors: Mapping[str, Mapping[str, Tensor]]

    def encode(self) -> bytes:
        """One file of it."""
        flat = {
            f"{group}/{name}": tensor.detach().cpu().contiguous()
            for group, tensors in self.tensors.items()
            for name, tensor in tensors.items()
        }
        return bytes(save(_apart(flat), {_KEY: json.dumps(asdict(self.progress))}))

    @classmethod
    def decode(cls, data: bytes) -> "State":
        """Raises RefusedError for bytes that are no whole state."""
        try:
            (size,) = struct.unpack("<Q", data[:8])
            said = json.loads(data[8 : 8 + size])["__metadata__"][_KEY]
            flat = load(data)
        except (struct.error, ValueError, KeyError, SafetensorError) as error:
            raise RefusedError(
                f"a checkpoint is damaged ({type(error).__name__}): remove it, an older one is used"
            ) from None
        groups: dict[str, dict[str, Tensor]] = {}
        for name, tensor in flat.items():
            group, _, rest = name.partition("/")
            groups.setdefault(group, {})[rest] = tensor
        return cls(Progress(**json.loads(said)), groups)


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What an optimiser keeps of each weight, by place and name."""
    return {
        f"{place}.{name}": value if isinstance(value, Tensor) else torch.tensor(float(value))
        for place, kept in optimiser.state_dict()["state"].items()
        for name, value in kept.items()
    }


def fill_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put back what `optimiser_tensors` gave."""
    kept: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        place, _, rest = name.partition(".")
        kept.setdefault(int(place), {})[rest] = tensor
    optimiser.load_state_dict({**optimiser.state_dict(), "state": kept})


def _apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights that networks share are written twice: a file of tensors must not have one memory for two names."""
    seen: set[int] = set()
    found = {}
    for name, tensor in tensors.items():
        found[name] = tensor.clone() if tensor.data_ptr() in seen else tensor
        seen.add(tensor.data_ptr())
    return found
