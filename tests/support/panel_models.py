"""Make a model directory over a panel of variants with randomly initialised weights, for trying things out. Imports
torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import torch
from safetensors.torch import save_file

from schemas.loading import validate
from workers import registry
from workers.genomics.genotypes.formats.panel import FORMAT, PanelConfig, PanelModelFormat
from workers.genomics.genotypes.formats.panel_variants import SCHEMA, VARIANTS
from workers.models.network_directory import CONFIG, WEIGHTS

_CARD = """# An untrained model

The weights of this model are random numbers (seed {seed}). It was never trained: its scores mean nothing, and nobody
may act on them. It exists to try out the reading, the scoring and the speed of a network of kind `{network}`.

- labels: {labels}
- variants in the panel: {variants}
"""


def make_panel_model_directory(
    folder: Path,
    network: str,
    variants: pl.DataFrame,
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
    labels: Sequence[str] = ("outcome",),
    activation: str = "sigmoid",
    **more: Any,
) -> Path:
    """Write the directory and return it. `model_card.md` in it says that it is untrained.

    `variants` has the columns of `workers.genomics.genotypes.formats.panel_variants`. `settings` are the network's
    own without the sizes of panel and head; `more` are other keys of `config.json`. Raises SpecError if they do not
    fit.
    """
    own = {**(settings or {}), "num_variants": variants.height, "num_outputs": len(labels)}
    config = {
        "format": PanelModelFormat.name,
        "format_version": 1,
        "network": network,
        "settings": own,
        "head": {"activation": activation, "labels": list(labels)},
        "genome_build": "GRCh38",
        "notes": f"untrained: randomly initialised weights, seed {seed}",
        **more,
    }
    validate(PanelConfig, config, CONFIG)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_text(json.dumps(config, indent=1))
    variants.select(list(SCHEMA)).write_parquet(folder / VARIANTS)
    save_file(_weights(network, own, seed), folder / WEIGHTS)
    (folder / "model_card.md").write_text(
        _CARD.format(seed=seed, network=network, labels=", ".join(labels), variants=variants.height)
    )
    FORMAT.describe(folder)
    return folder


def _weights(network: str, settings: Mapping[str, Any], seed: int) -> dict[str, torch.Tensor]:
    module = registry.networks("genotypes").load(network)
    config = validate(module.Config, settings, f"{CONFIG}: settings")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        state: dict[str, torch.Tensor] = module.build(config).state_dict()
    return state
