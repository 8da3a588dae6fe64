"""A network over a panel of variants as a directory: `config.json`, `model.safetensors`, `variants.parquet`.

    {"format": "wardround-panel-model", "format_version": 1,
     "network": "panel_mlp", "settings": {"num_variants": 5000, "num_outputs": 1, "hidden": [128], ...},
     "head": {"activation": "sigmoid", "labels": ["cad"]},
     "genome_build": "GRCh38",
     "scale": "standardise",                  how copies become the network's input: see PanelConfig
     "prepare": [{"haploid": "diploid"}],     optional: steps of a spec over genotypes
     "embedding": true}                       optional: a column with what the head sees

Settings of each network and names of its weights: workers/genomics/genotypes/networks/. `variants.parquet`:
workers.genomics.genotypes.formats.panel_variants.
"""

from pathlib import Path
from typing import Any, Literal

import polars as pl

from schemas.errors import SpecError
from schemas.outputs import OutputField
from schemas.wording import counted
from workers import registry
from workers.contract import ModelCard, Placement
from workers.genomics.genotypes.contract import PanelFormat, PanelScorer
from workers.genomics.genotypes.formats.panel_variants import VARIANTS, read_panel
from workers.genomics.genotypes.networks.settings import PanelNetworkConfig
from workers.models.head import score_fields
from workers.models.network_directory import CONFIG, EnsembleConfig, NetworkDirectory, settings_of

Scale = Literal["copies", "centre", "standardise"]


class PanelConfig(EnsembleConfig):
    """`config.json`.

    The network sees copies of each variant's effect allele, from 0 to 2 (`copies`), less twice its frequency
    (`centre`), and that divided by the square root of 2 f (1 - f) (`standardise`). f is the panel's own frequency,
    whatever the cohort's is.
    """

    format: Literal["wardround-panel-model"]
    genome_build: Literal["GRCh37", "GRCh38"]
    scale: Scale = "copies"
    prepare: tuple[str | dict[str, Any], ...] = ()
    embedding: bool = False


class PanelModelFormat(NetworkDirectory[PanelConfig, PanelNetworkConfig]):
    """One of the networks in workers/genomics/genotypes/networks/, with its variants."""

    name = "wardround-panel-model"
    config = PanelConfig
    sizes = PanelNetworkConfig
    networks = registry.networks("genotypes")

    def card(self, directory: Path, config: PanelConfig, sizes: PanelNetworkConfig) -> ModelCard:
        """The card of a panel model; its settings hold the number of variants that the network takes."""
        if config.members and config.embedding:
            raise SpecError(
                f"{directory / CONFIG}: embedding: is of one network, and members names {len(config.members)}: leave "
                "it out"
            )
        panel = read_panel(directory / VARIANTS)
        _check(panel, config, sizes, directory / VARIANTS)
        own = config.model_dump(mode="json", include={"genome_build", "scale", "embedding"})
        return ModelCard(
            format="panel",
            outputs=output_fields(config),
            prepare=config.prepare,
            settings={**settings_of(config), **own, "variants": panel.height},
        )

    def load(self, directory: Path, card: ModelCard, placement: Placement) -> PanelScorer:
        """The network on its device."""
        from workers.genomics.genotypes.formats import panel_loaded  # noqa: PLC0415 - imports torch, which the driver must not

        return panel_loaded.load(directory, card, placement)


FORMAT: PanelFormat = PanelModelFormat()


def output_fields(config: PanelConfig) -> tuple[OutputField, ...]:
    """The columns, scores first. Raises SpecError if two would have the same name."""
    fields = list(score_fields(config.head))
    fields.append(
        OutputField(
            name="filled_rate",
            type="float32",
            meaning="share of the panel that is the panel's own frequency, since the call or the variant is missing",
            total="mean",
        )
    )
    if config.embedding:
        fields.append(OutputField(name="embedding", type="list<float32>", meaning="what the last linear layer sees"))
    return tuple(fields)


def _check(panel: pl.DataFrame, config: PanelConfig, sizes: PanelNetworkConfig, path: Path) -> None:
    if panel.height != sizes.num_variants:
        raise SpecError(
            f"{path}: has {counted(panel.height, 'variant')}, settings.num_variants is {sizes.num_variants}"
        )
    fixed = ((panel["effect_frequency"] <= 0) | (panel["effect_frequency"] >= 1)).sum()
    if config.scale == "standardise" and fixed:
        raise SpecError(
            f"{path}: {counted(int(fixed), 'variant')} with the frequency 0 or 1, and scale 'standardise' divides by "
            "its deviation: leave them out of the panel, or take scale 'centre'"
        )
