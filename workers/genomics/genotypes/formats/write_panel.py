"""Write a model directory over a panel: what `workers.genomics.genotypes.formats.panel` reads. Imports torch."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
from torch import Tensor

from schemas.loading import validate
from workers.genomics.genotypes.formats.panel import FORMAT, PanelConfig, PanelModelFormat
from workers.genomics.genotypes.formats.panel_variants import SCHEMA, VARIANTS
from workers.models.member_files import member_files
from workers.models.network_directory import CONFIG


def write_panel_model(
    folder: Path, config: Mapping[str, Any], variants: pl.DataFrame, *members: Mapping[str, Tensor]
) -> None:
    """`config` is `config.json` but for its format; `variants` are of `SCHEMA`, in the network's order; `members` are
    the weights of one network, or of several.

    Raises SpecError where the parts do not fit each other.
    """
    named, files = member_files(members)
    whole = {"format": PanelModelFormat.name, "format_version": 1, **config, **named}
    validate(PanelConfig, whole, CONFIG)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_text(json.dumps(whole, indent=1), encoding="utf-8")
    variants.select(list(SCHEMA)).write_parquet(folder / VARIANTS)
    for name, body in files.items():
        (folder / name).write_bytes(body)
    FORMAT.describe(folder)
