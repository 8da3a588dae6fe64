"""What this machine can decode and compute with, for `wardround doctor`."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Torch:
    """The installed torch. `devices` are the names of the CUDA devices, none on a machine without."""

    version: str
    cuda: str | None
    threads: int
    devices: Sequence[str]


def torch_facts() -> Torch | None:
    """None where torch cannot be imported. Importing it takes seconds."""
    try:
        torch: Any = importlib.import_module("torch")
    except ImportError:
        return None
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    names = [str(torch.cuda.get_device_name(index)) for index in range(count)]
    return Torch(str(torch.__version__), torch.version.cuda, int(torch.get_num_threads()), names)
