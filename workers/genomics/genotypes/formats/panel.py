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

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.errors import SpecError
from schemas.loading import nearest, validate
from schemas.outputs import OutputField
from workers.contract import ModelCard
from workers.genomics.genotypes.formats.panel_variants import VARIANTS, read_panel
from workers.genomics.genotypes.networks.settings import PanelNetworkConfig
from workers.models.files import check_safetensors, read_json
from workers.models.head import Head, score_fields
from workers.registry import PANEL_NETWORKS

if TYPE_CHECKING:
    from workers.genomics.genotypes.formats.panel_loaded import PanelModel

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
NAME = "wardround-panel-model"

LOOKS_FOR = "config.json with format 'wardround-panel-model'"

Scale = Literal["copies", "centre", "standardise"]


class PanelConfig(BaseModel):
    """`config.json`. `settings` are those of the network's own `Config`, which checks them at load.

    The network sees copies of each variant's effect allele, from 0 to 2 (`copies`), less twice its frequency
    (`centre`), and that divided by the square root of 2 f (1 - f) (`standardise`). f is the panel's own frequency,
    whatever the cohort's is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["wardround-panel-model"]
    format_version: Literal[1]
    network: str
    settings: dict[str, Any]
    head: Head
    genome_build: Literal["GRCh37", "GRCh38"]
    scale: Scale = "copies"
    prepare: tuple[dict[str, Any], ...] = ()
    embedding: bool = False
    notes: str = Field(default="", description="free text: data, licence, intended use")


def recognises(directory: Path) -> bool:
    """Whether `config.json` names this format."""
    path = directory / CONFIG
    return path.is_file() and read_json(path).get("format") == NAME


def describe(directory: Path) -> ModelCard:
    """The card from `config.json`. Raises SpecError with what is wrong, SecurityError if the weights are a pickle."""
    path = directory / CONFIG
    config = validate(PanelConfig, read_json(path), str(path))
    check_safetensors(directory / WEIGHTS)
    if config.network not in PANEL_NETWORKS:
        hint = nearest(config.network, PANEL_NETWORKS) or "."
        raise SpecError(
            f"{path}: network {config.network!r} is unknown{hint} Known: {', '.join(sorted(PANEL_NETWORKS))}"
        )
    common = _common(config.settings, path)
    if common.num_outputs != len(config.head.labels):
        raise SpecError(f"{path}: settings.num_outputs differs from the number of head.labels")
    panel = read_panel(directory / VARIANTS)
    if panel.height != common.num_variants:
        raise SpecError(
            f"{directory / VARIANTS}: has {panel.height} variants, settings.num_variants is {common.num_variants}"
        )
    fixed = ((panel["effect_frequency"] <= 0) | (panel["effect_frequency"] >= 1)).sum()
    if config.scale == "standardise" and fixed:
        raise SpecError(
            f"{directory / VARIANTS}: {fixed} variants have the frequency 0 or 1, and scale 'standardise' divides by "
            "its deviation: leave them out of the panel, or take scale 'centre'"
        )
    settings = config.model_dump(mode="json", include={"network", "settings", "genome_build", "scale", "embedding"})
    return ModelCard(
        format="panel",
        outputs=output_fields(config),
        prepare=config.prepare,
        settings={
            **settings,
            "activation": config.head.activation,
            "labels": list(config.head.labels),
            "variants": panel.height,
        },
    )


def load(directory: Path, card: ModelCard, device: str, threads: int) -> PanelModel:
    """The network on `device` ('cpu' or 'cuda').

    Raises SpecError if settings or weights do not fit the network, naming each tensor that is missing or too many.
    """
    from workers.genomics.genotypes.formats import panel_loaded  # noqa: PLC0415 - imports torch, which the driver must not

    return panel_loaded.load(directory / WEIGHTS, card, device, threads)


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


def _common(settings: dict[str, Any], path: Path) -> PanelNetworkConfig:
    known = {name: settings[name] for name in PanelNetworkConfig.model_fields if name in settings}
    return validate(PanelNetworkConfig, known, f"{path}: settings")
