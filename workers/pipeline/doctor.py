"""What this machine can compute with, for `wardround doctor`."""

import importlib
from collections.abc import Iterator
from typing import Any

from schemas.finding import Finding


def examine_torch() -> Iterator[Finding]:
    """The installed torch and its devices. Importing it takes seconds."""
    try:
        torch: Any = importlib.import_module("torch")
    except ImportError:
        yield Finding("torch", "fail", "cannot be imported", "pip install torch", 3)
        return
    yield Finding("torch", "ok", f"{torch.__version__}, {torch.get_num_threads()} threads")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    names = [str(torch.cuda.get_device_name(index)) for index in range(count)]
    cuda = torch.version.cuda
    built = f"torch is built for CUDA {cuda}" if cuda else "torch is built without CUDA"
    yield Finding("device", "ok", ", ".join(names) or f"CPU only; {built}")
