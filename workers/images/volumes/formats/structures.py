"""Structures by the labels of a network's output channels."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Literal

from schemas.errors import SpecError
from workers.images.volumes.card import Structure

BACKGROUND = "background"

Activation = Literal["softmax", "sigmoid", "none"]


def structure_name(label: str) -> str:
    """The label in ASCII letters, digits and `_`, as a column is called.

    Raises SpecError where nothing remains that begins with a letter.
    """
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")
    if not re.match(r"[A-Za-z]", name):
        raise SpecError(
            f"label {label!r} makes no column name, which begins with a letter: rename it in the model directory"
        )
    return name


def of_channels(labels: Sequence[str], activation: Activation, where: str) -> tuple[Structure, ...]:
    """One structure a channel, but for the background.

    Where channels exclude each other the first is the background, and the number of a channel its label; else labels
    count from 1. Raises SpecError where no channel can be the background, or two labels make one name.
    """
    exclusive = activation != "sigmoid"
    if exclusive and labels[0].lower() != BACKGROUND:
        raise SpecError(
            f"{where}: of channels that exclude each other the first is 'background', not {labels[0]!r}: rename it, or "
            "list 'structures' with name, label and channel"
        )
    marked = [(at, label) for at, label in enumerate(labels) if label.lower() != BACKGROUND]
    found: dict[str, Structure] = {}
    for count, (at, label) in enumerate(marked):
        name = structure_name(label)
        if name in found:
            raise SpecError(f"{where}: two labels both give the column {name!r}: rename one of them")
        found[name] = Structure(name=name, label=at if exclusive else count + 1, channel=at)
    return tuple(found.values())


def from_channel_def(channels: Mapping[str, object], outputs: int, where: str) -> tuple[str, ...]:
    """Labels in the order of channels, from `{"0": "background", "1": "spleen"}`. Raises SpecError where a channel has
    none."""
    labels = [channels.get(str(at)) for at in range(outputs)]
    missing = [at for at, label in enumerate(labels) if not isinstance(label, str) or not label.strip()]
    if missing or len(channels) != outputs:
        raise SpecError(
            f"{where}: must name each of the {outputs} channels that come out, and names {len(channels)}: correct it"
        )
    return tuple(str(label) for label in labels)
