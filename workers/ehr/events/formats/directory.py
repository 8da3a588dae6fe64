"""A model on events as a directory: `config.json`, `model.safetensors`, `codes.parquet`.

    {"format": "wardround-event-model", "format_version": 1,
     "network": "event_rnn", "settings": {"num_codes": 5001, "num_outputs": 1, "inputs": ["value", "delta"], ...},
     "head": {"activation": "sigmoid", "labels": ["readmission"]},
     "task": "...", "code_system": "...",     what it predicts, and from codes of which make
     "encoding": {"oov": "drop", ...},        optional: workers.ehr.events.formats.encoder.Encoding
     "outputs": {"embedding": true, ...}}     optional: workers.ehr.events.formats.directory.Outputs

Settings of each network and names of its weights: workers/ehr/events/networks/. `codes.parquet`:
workers.ehr.events.formats.vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field

from schemas.errors import SpecError
from schemas.loading import nearest, validate
from schemas.outputs import OutputField
from workers.contract import ModelCard
from workers.ehr.events.contract import EventScorer
from workers.ehr.events.formats.columns import contributions_name
from workers.ehr.events.formats.encoder import Encoding, EventEncoder
from workers.ehr.events.formats.vocabulary import Vocabulary, read_codes
from workers.ehr.events.networks.settings import EventNetworkConfig
from workers.models.files import check_safetensors, read_json
from workers.models.head import Head, score_fields
from workers.registry import EVENT_NETWORKS

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
CODES = "codes.parquet"
NAME = "wardround-event-model"

EXPLAINED = "retain"
"""The network whose score is a sum over events."""

LOOKS_FOR = "config.json with format 'wardround-event-model'"


class Outputs(BaseModel):
    """Columns beside the scores. `embedding`: what the last linear layer sees. `contributions`: what each event adds
    to a label's score before the activation; of `retain` only, where they sum to it exactly, but for the bias.
    `top`: only so many, the largest. `codes`: name each event's code, which is record content."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    embedding: bool = False
    contributions: bool = False
    top: int | None = Field(default=None, ge=1)
    codes: bool = False


class EventModelConfig(BaseModel):
    """`config.json`. `settings` are those of the network's own `Config`, which checks them at load."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["wardround-event-model"]
    format_version: Literal[1]
    network: str
    settings: dict[str, Any]
    head: Head
    task: str = Field(default="", description="what is predicted, from when on, for how long")
    code_system: str = Field(default="", description="which vocabularies the codes come from")
    encoding: Encoding = Encoding()
    outputs: Outputs = Outputs()
    notes: str = Field(default="", description="free text: data, licence, intended use")


def recognises(directory: Path) -> bool:
    """Whether `config.json` names this format."""
    path = directory / CONFIG
    return path.is_file() and read_json(path).get("format") == NAME


def describe(directory: Path) -> ModelCard:
    """The card from `config.json`. Raises SpecError with what is wrong, SecurityError if the weights are a pickle."""
    path = directory / CONFIG
    config = validate(EventModelConfig, read_json(path), str(path))
    check_safetensors(directory / WEIGHTS)
    if config.network not in EVENT_NETWORKS:
        hint = nearest(config.network, EVENT_NETWORKS) or "."
        raise SpecError(
            f"{path}: network {config.network!r} is unknown{hint} Known: {', '.join(sorted(EVENT_NETWORKS))}"
        )
    common = common_settings(config.settings, path)
    if common.num_outputs != len(config.head.labels):
        raise SpecError(f"{path}: settings.num_outputs differs from the number of head.labels")
    if config.outputs.contributions and config.network != EXPLAINED:
        raise SpecError(f"{path}: outputs.contributions: only network {EXPLAINED!r} is a sum over events")
    _vocabulary(directory, config.encoding, common)
    settings = config.model_dump(mode="json", include={"network", "settings", "encoding", "outputs"})
    return ModelCard(
        format="events",
        outputs=output_fields(config),
        settings={
            **settings,
            "activation": config.head.activation,
            "labels": list(config.head.labels),
            "task": config.task,
            "code_system": config.code_system,
        },
    )


def open_encoder(directory: Path, card: ModelCard) -> EventEncoder:
    """The encoder of a directory that `describe` has accepted."""
    encoding = Encoding.model_validate(card.settings["encoding"])
    settings: Mapping[str, Any] = card.settings["settings"]
    common = common_settings(settings, directory / CONFIG)
    return EventEncoder(
        _vocabulary(directory, encoding, common),
        encoding,
        common.inputs,
        settings.get("visits", "event"),
        explains=card.settings["outputs"]["contributions"],
    )


def load(directory: Path, card: ModelCard, device: str, threads: int) -> EventScorer:
    """The network on `device`.

    Raises SpecError if settings or weights do not fit the network, naming each tensor that is missing or too many.
    """
    from workers.ehr.events.formats import loaded  # noqa: PLC0415 - imports torch, which the driver must not

    return cast(EventScorer, loaded.load(directory / WEIGHTS, card, device, threads))


def common_settings(settings: Mapping[str, Any], path: Path) -> EventNetworkConfig:
    """What the encoder has to know of a network's settings. Raises SpecError."""
    known = {name: settings[name] for name in EventNetworkConfig.model_fields if name in settings}
    return validate(EventNetworkConfig, known, f"{path}: settings")


def output_fields(config: EventModelConfig) -> tuple[OutputField, ...]:
    """The columns, scores first. Raises SpecError if two would have the same name."""
    scores = score_fields(config.head)
    fields = [
        *scores,
        OutputField(
            name="oov_rate",
            type="float32",
            meaning="share of the events in reach whose code is not known",
            total="mean",
        ),
        OutputField(name="n_used", type="int32", meaning="events that the score rests on", total="sum"),
        OutputField(
            name="truncated",
            type="bool",
            meaning="whether older events were left out for their number",
            total="mean",
        ),
    ]
    if config.outputs.embedding:
        fields.append(OutputField(name="embedding", type="list<float32>", meaning="what the last linear layer sees"))
    if config.outputs.contributions:
        code = ", code: string" if config.outputs.codes else ""
        kind = f"list<struct<event: int32, time: timestamp{code}, contribution: float32>>"
        fields += [
            OutputField(name=contributions_name(score.name), type=kind, meaning=_explains(score.name))
            for score in scores
        ]
    return tuple(fields)


def _explains(score: str) -> str:
    return (
        f"what each event, counted from 0 in the record's history, adds to {score} before its activation; "
        "with the bias they sum to it"
    )


def _vocabulary(directory: Path, encoding: Encoding, common: EventNetworkConfig) -> Vocabulary:
    path = directory / CODES
    vocabulary = Vocabulary(read_codes(path, common.num_codes), encoding.fallback)
    if encoding.clip is not None and not vocabulary.has_scale:
        raise SpecError(f"{path}: encoding.clip needs the columns 'values/mean' and 'values/std', which are not there")
    return vocabulary
