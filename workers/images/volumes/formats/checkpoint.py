"""Checkpoints of PyTorch read by `weights_only`: tensors and plain values, never objects of classes. Imports torch."""

import pickle
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from schemas.errors import SecurityError, SpecError

CONVERT = (
    "save its tensors alone where you trust it: torch.save(checkpoint['state_dict'], file), or of a whole module "
    "torch.save(module.state_dict(), file)"
)


_BEGINNINGS = (b"PK", b"\x80\x02")
"""Checkpoints since PyTorch 1.6 are zips, older ones pickles."""


def read_checkpoint(path: Path, allowed: Sequence[Callable[..., Any] | tuple[Any, str]] = ()) -> Mapping[str, Any]:
    """The dictionary of a checkpoint. `allowed` are further functions and classes that it may be made of.

    Raises SecurityError for a pickle of anything else and for TorchScript, SpecError for no checkpoint.
    """
    _refuse_programs(path)
    try:
        with torch.serialization.safe_globals(list(allowed)):
            found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        said = next((line.strip() for line in str(error).splitlines() if "GLOBAL" in line), "")
        raise SecurityError(
            f"{path}: is a pickle of more than tensors, which can run code when loaded: {CONVERT}. {said[:200]}"
        ) from None
    except (OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        said = str(error).partition("\n")[0][:200]
        raise SpecError(f"{path}: is not a checkpoint that can be read ({said})") from error
    if not isinstance(found, Mapping):
        raise SpecError(f"{path}: holds a {type(found).__name__}, must hold the state_dict of a network")
    return found


def state_of(path: Path, keys: Sequence[str]) -> Mapping[str, Tensor]:
    """The tensors of a checkpoint, which it holds as they are or under one of these keys.

    Raises SpecError where there are none, and as `read_checkpoint`.
    """
    found: Any = read_checkpoint(path)
    for key in keys:
        if isinstance(found.get(key), Mapping):
            found = found[key]
            break
    if not found or not all(isinstance(one, Tensor) for one in found.values()):
        raise SpecError(f"{path}: holds no tensors by name, as they are or under {' or '.join(keys)}: {CONVERT}")
    return {str(name): one for name, one in found.items()}


def _refuse_programs(path: Path) -> None:
    if not path.is_file():
        raise SpecError(f"{path}: is not there")
    with path.open("rb") as file:
        start = file.read(2)
    if start not in _BEGINNINGS:
        raise SpecError(f"{path}: is not a checkpoint of PyTorch: get the file itself where this is a pointer to it")
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        if any("/code/" in name or name.endswith("/constants.pkl") for name in names):
            raise SecurityError(f"{path}: is TorchScript, a program, which is not run: {CONVERT}")
