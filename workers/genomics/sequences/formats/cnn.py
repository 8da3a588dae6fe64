"""A convolutional network over bases as a directory: `config.json` and `model.safetensors`.

    {"format": "sequence-cnn", "format_version": 1,
     "network": "dilated_resnet", "settings": {"num_outputs": 3, "positions": 101, ...},
     "window": 10101,                         bases that the network takes, exactly
     "head": {"activation": "softmax", "labels": ["none", "acceptor", "donor"]},
     "edges": "pad", "ambiguous": "n", "both_strands": false}    optional: what the author recommends

Settings of each network and names of its weights: workers/genomics/sequences/networks/dilated_resnet.py. Columns are
`score_<label>`; of variants `_ref`, `_alt` and `_delta` of each. What windows of one shard share is computed once.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.errors import SpecError
from schemas.loading import nearest, validate
from workers.contract import Encoded, ModelCard
from workers.genomics.sequences.contract import SequenceEncoder, SequenceScorer
from workers.genomics.sequences.windows import VariantWindow
from workers.models.files import check_safetensors, read_json
from workers.models.head import Head, score_fields
from workers.registry import SEQUENCE_NETWORKS

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
NAME = "sequence-cnn"
LOOKS_FOR = "config.json with format 'sequence-cnn'"


class CnnConfig(BaseModel):
    """`config.json`. `settings` are those of the network's own `Config`, which checks them, and `window`, at load."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["sequence-cnn"]
    format_version: Literal[1]
    network: str
    settings: dict[str, Any]
    window: int = Field(ge=1, le=4_000_000)
    head: Head
    edges: Literal["pad", "refuse"] = "pad"
    ambiguous: Literal["n", "refuse"] = "n"
    both_strands: bool = False
    notes: str = Field(default="", description="free text: data, licence, intended use")


def recognises(directory: Path) -> bool:
    """Whether `config.json` names this format."""
    path = directory / CONFIG
    return path.is_file() and read_json(path).get("format") == NAME


def describe(directory: Path) -> ModelCard:
    """The card from `config.json`. Raises SpecError with what is wrong, SecurityError if the weights are a pickle."""
    path = directory / CONFIG
    config = validate(CnnConfig, read_json(path), str(path))
    check_safetensors(directory / WEIGHTS)
    if config.network not in SEQUENCE_NETWORKS:
        hint = nearest(config.network, SEQUENCE_NETWORKS) or "."
        known = ", ".join(sorted(SEQUENCE_NETWORKS))
        raise SpecError(f"{path}: network {config.network!r} is unknown{hint} Known: {known}")
    if config.settings.get("num_outputs") != len(config.head.labels):
        raise SpecError(f"{path}: settings.num_outputs differs from the number of head.labels")
    step: dict[str, Any] = {"length": config.window, "edges": config.edges, "ambiguous": config.ambiguous}
    return ModelCard(
        format=NAME,
        outputs=score_fields(config.head),
        prepare=({"window": step}, *([{"both_strands": {}}] if config.both_strands else [])),
        settings={
            "network": config.network,
            "settings": config.settings,
            "activation": config.head.activation,
            "alphabet": "dna",
            "longest": config.window,
            "fixed_length": config.window,
        },
    )


class WindowEncoder:
    """Implements `workers.genomics.sequences.contract.SequenceEncoder`: bases become numbers on the device."""

    def encode(self, windows: Sequence[VariantWindow]) -> list[Encoded]:
        """The windows themselves."""
        return [Encoded(window, window.bases.nbytes + 500) for window in windows]


def open_encoder(directory: Path, card: ModelCard, both_strands: bool) -> SequenceEncoder:
    """Nothing is done ahead."""
    return WindowEncoder()


def load(directory: Path, card: ModelCard, device: str, threads: int, both_strands: bool) -> SequenceScorer:
    """The network in float32 on `device`.

    Raises SpecError if settings, window or weights do not fit the network, naming what is missing or too many.
    """
    from workers.genomics.sequences.formats import cnn_loaded  # noqa: PLC0415 - imports torch, which the driver must not

    return cnn_loaded.load(directory / WEIGHTS, card, device, threads, both_strands)
