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

from pathlib import Path
from typing import Literal

from pydantic import Field

from schemas.errors import SpecError
from schemas.frozen import Frozen
from schemas.outputs import OutputField
from workers import registry
from workers.contract import ModelCard, Placement, Scorer
from workers.ehr.events.contract import EventFormat
from workers.ehr.events.formats.columns import contributions_name
from workers.ehr.events.formats.encoder import Encoding, EventEncoder
from workers.ehr.events.formats.vocabulary import Vocabulary, read_codes
from workers.ehr.events.networks.settings import EventNetworkConfig
from workers.models.head import score_fields
from workers.models.network_directory import CONFIG, EnsembleConfig, NetworkDirectory, settings_of

CODES = "codes.parquet"

EXPLAINED = "retain"
"""The network whose score is a sum over events."""


class Outputs(Frozen):
    """Columns beside the scores. `embedding`: what the last linear layer sees. `contributions`: what each event adds
    to a label's score before the activation; of `retain` only, where they sum to it exactly, but for the bias.
    `top`: only so many, the largest. `codes`: name each event's code, which is record content."""

    embedding: bool = False
    contributions: bool = False
    top: int | None = Field(default=None, ge=1)
    codes: bool = False


class EventModelConfig(EnsembleConfig):
    """`config.json`."""

    format: Literal["wardround-event-model"]
    task: str = Field(default="", description="what is predicted, from when on, for how long")
    code_system: str = Field(default="", description="which vocabularies the codes come from")
    encoding: Encoding = Encoding()
    outputs: Outputs = Outputs()


class EventModel(NetworkDirectory[EventModelConfig, EventNetworkConfig]):
    """One of the networks in workers/ehr/events/networks/, with its codes."""

    name = "wardround-event-model"
    config = EventModelConfig
    sizes = EventNetworkConfig
    networks = registry.networks("events")

    def card(self, directory: Path, config: EventModelConfig, sizes: EventNetworkConfig) -> ModelCard:
        """The card of an event model, whose vocabulary and explained outputs have to fit its network."""
        if config.outputs.contributions and config.network != EXPLAINED:
            path = directory / CONFIG
            raise SpecError(f"{path}: outputs.contributions: only network {EXPLAINED!r} is a sum over events")
        if config.members and (config.outputs.contributions or config.outputs.embedding):
            raise SpecError(
                f"{directory / CONFIG}: outputs: embedding and contributions are of one network, and members names "
                f"{len(config.members)}: leave them out"
            )
        _vocabulary(directory, config.encoding, sizes)
        own = config.model_dump(mode="json", include={"encoding", "outputs", "task", "code_system"})
        return ModelCard(format="events", outputs=output_fields(config), settings={**settings_of(config), **own})

    def open_encoder(self, directory: Path, card: ModelCard, cpus: float) -> EventEncoder:
        """Vocabulary and normaliser lie in the directory."""
        encoding = Encoding.model_validate(card.settings["encoding"])
        settings = card.settings["settings"]
        common = self.sizes_of(settings, directory / CONFIG)
        return EventEncoder(
            _vocabulary(directory, encoding, common),
            encoding,
            common.inputs,
            settings.get("visits", "event"),
            explains=card.settings["outputs"]["contributions"],
        )

    def load(self, directory: Path, card: ModelCard, placement: Placement) -> Scorer:
        """The network on its device."""
        from workers.ehr.events.formats import loaded  # noqa: PLC0415 - imports torch, which the driver must not

        return loaded.load(directory, card, placement)


FORMAT: EventFormat = EventModel()


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
