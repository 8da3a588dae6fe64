"""Write a model directory over a panel: what `workers.genomics.genotypes.formats.panel` reads. Imports torch."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
from safetensors.torch import save_file
from torch import Tensor

from schemas.loading import validate
from workers.genomics.genotypes.formats.panel import FORMAT, PanelConfig, PanelModelFormat
from workers.genomics.genotypes.formats.panel_variants import SCHEMA, VARIANTS
from workers.models.network_directory import CONFIG, WEIGHTS


def write_panel_model(
    folder: Path, config: Mapping[str, Any], variants: pl.DataFrame, weights: Mapping[str, Tensor]
) -> None:
    """`config` is `config.json` but for its format; `variants` are of `SCHEMA`, in the network's order.

    Raises SpecError where the parts do not fit each other.
    """
    whole = {"format": PanelModelFormat.name, "format_version": 1, **config}
    validate(PanelConfig, whole, CONFIG)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_text(json.dumps(whole, indent=1), encoding="utf-8")
    variants.select(list(SCHEMA)).write_parquet(folder / VARIANTS)
    save_file({name: weight.contiguous() for name, weight in weights.items()}, folder / WEIGHTS)
    FORMAT.describe(folder)
