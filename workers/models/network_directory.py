"""A model directory that is one of our own networks: `config.json` beside `model.safetensors`. Imports no torch.

{"format": "wardround-model", "format_version": 1,
 "network": "resnet", "settings": {"num_outputs": 2, ...},      of one file in a folder `networks/`
 "head": {"activation": "softmax", "labels": ["normal", "pneumonia"]},
 "members": ["model-0.safetensors", ...],                       of several networks; where the format takes them
 "notes": "free text", ...}                                     and the keys that a format adds
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from schemas.errors import SpecError
from schemas.frozen import Frozen
from schemas.loading import validate
from workers.contract import ModelCard
from workers.lookup import Names
from workers.models.files import check_safetensors, confined, read_json
from workers.models.head import Head

CONFIG = "config.json"
WEIGHTS = "model.safetensors"


class NetworkConfig(Frozen):
    """`config.json`. A format adds its own keys, and names itself as the only value of `format`."""

    format: str
    format_version: Literal[1]
    network: str = Field(description="name of the network: of workers/registry.py, or of a plugin")
    settings: dict[str, Any] = Field(description="those of the network's own Config, which checks them at load")
    head: Head
    notes: str = Field(default="", description="free text: data, licence, intended use")


class EnsembleConfig(NetworkConfig):
    """`config.json` of a format whose directories may hold several networks of the same settings."""

    members: tuple[str, ...] = Field(
        default=(), description="files of weights of several networks, whose mean score is the model's; default: one"
    )

    @field_validator("members")
    @classmethod
    def _each_once(cls, members: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(members)) < len(members):
            raise ValueError("a file stands there twice: every network counts once")
        return members


class NetworkSizes(BaseModel):
    """Those settings of a network that its format must know before torch is imported; a format adds its own."""

    model_config = ConfigDict(frozen=True, strict=True)

    num_outputs: int = Field(ge=1, le=1_000_000)


C = TypeVar("C", bound=NetworkConfig)
S = TypeVar("S", bound=BaseModel)


class NetworkDirectory(ABC, Generic[C, S]):
    """What a format of such directories has in common with all others: recognising, reading and checking.

    `config` is the model of `config.json`, `sizes` that of the settings in reach (with `num_outputs`), `networks` those
    of its collection (`workers.registry.networks`).
    """

    name: ClassVar[str]
    config: type[C]
    sizes: type[S]
    networks: ClassVar[Names]

    @property
    def looks_for(self) -> str:
        """`config.json` that names this format, for people."""
        return f"{CONFIG} with format {self.name!r}"

    def recognises(self, directory: Path) -> bool:
        """Whether `config.json` names this format."""
        path = directory / CONFIG
        return path.is_file() and read_json(path).get("format") == self.name

    def describe(self, directory: Path) -> ModelCard:
        """The card from `config.json`.

        Raises SpecError with what is wrong, SecurityError if the weights are a pickle.
        """
        path = directory / CONFIG
        config = validate(self.config, read_json(path), str(path))
        for name in self.weights_of(config):
            check_safetensors(confined(directory, name))
        self.networks.require(config.network, str(path))
        sizes = self.sizes_of(config.settings, path)
        if config.settings["num_outputs"] != len(config.head.labels):
            raise SpecError(f"{path}: settings.num_outputs differs from the number of head.labels")
        return self.card(directory, config, sizes)

    def weights_of(self, config: C) -> Sequence[str]:
        """The files of weights: one, or those of the members."""
        return (config.members if isinstance(config, EnsembleConfig) else ()) or (WEIGHTS,)

    @abstractmethod
    def card(self, directory: Path, config: C, sizes: S) -> ModelCard:
        """The card of a checked `config.json`, with `settings_of` in its settings. Raises SpecError."""

    def sizes_of(self, settings: Mapping[str, Any], path: Path) -> S:
        """What is known of a network's settings without it. Raises SpecError."""
        known = {name: settings[name] for name in self.sizes.model_fields if name in settings}
        return validate(self.sizes, known, f"{path}: settings")


def settings_of(config: NetworkConfig) -> dict[str, Any]:
    """What `workers.models.weights.build_network`, `workers.models.load_members` and every scorer read in a card's
    settings."""
    several = {"weights": list(config.members or (WEIGHTS,))} if isinstance(config, EnsembleConfig) else {}
    return {
        "network": config.network,
        "settings": config.settings,
        "activation": config.head.activation,
        "labels": list(config.head.labels),
        **several,
    }
