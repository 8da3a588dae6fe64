"""A model directory as the files that a training leaves."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path


def written(write: Callable[[Path], None]) -> Mapping[str, bytes]:
    """Every file that `write` puts into the folder it is given, by name."""
    with tempfile.TemporaryDirectory(prefix="wardround-model-") as folder:
        write(Path(folder))
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}
