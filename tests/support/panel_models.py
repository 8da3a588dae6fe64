"""Make a model directory over a panel of variants with randomly initialised weights, for trying things out. Imports
torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import torch

from workers import registry
from workers.genomics.genotypes.formats.write_panel import write_panel_model
from workers.training.network import fresh_network

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
        "network": network,
        "settings": own,
        "head": {"activation": activation, "labels": list(labels)},
        "genome_build": "GRCh38",
        "notes": f"untrained: randomly initialised weights, seed {seed}",
        **more,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        weights = fresh_network(registry.networks("genotypes"), network, own).state_dict()
    write_panel_model(folder, config, variants, weights)
    (folder / "model_card.md").write_text(
        _CARD.format(seed=seed, network=network, labels=", ".join(labels), variants=variants.height)
    )
    return folder
