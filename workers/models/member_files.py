"""Weights of one or several networks as the files of a model directory. Imports torch."""

from collections.abc import Mapping, Sequence
from typing import Any

from safetensors.torch import save
from torch import Tensor

from workers.models.network_directory import WEIGHTS


def member_files(members: Sequence[Mapping[str, Tensor]]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """What `config.json` says of them, nothing of one alone, and the files by name."""
    alone = len(members) == 1
    names = [WEIGHTS] if alone else [f"model-{place}.safetensors" for place in range(len(members))]
    bodies = [save({key: one.contiguous() for key, one in member.items()}) for member in members]
    return {} if alone else {"members": names}, dict(zip(names, bodies, strict=True))
