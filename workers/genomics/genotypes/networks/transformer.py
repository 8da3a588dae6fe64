"""A transformer over a panel of variants: neighbours form a patch, each patch is a token with a learnt place.

Layers are those of `torch.nn.TransformerEncoderLayer(norm_first=True, activation="gelu", batch_first=True)`. The last
patch is filled up with zeros.

Names of weights: `embed.*` (linear, from a patch), `places` (tokens, width), `cls` (width), `layers.N.*`, `norm.*`,
`head.*` (linear).
"""

from typing import Literal, Self, cast

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from workers.genomics.genotypes.networks.settings import PanelNetworkConfig
from workers.models.transformer import encoder_layers

_MOST_TOKENS = 65_536


class Config(PanelNetworkConfig):
    """`patch`: neighbouring variants of one token. `pooling`: a learnt token's state, or the mean of all others."""

    patch: int = Field(default=64, ge=1, le=65_536)
    width: int = Field(default=64, ge=1, le=65_536)
    heads: int = Field(default=4, ge=1, le=1024)
    layers: int = Field(default=2, ge=1, le=256)
    feedforward: int = Field(default=256, ge=1, le=1_000_000)
    pooling: Literal["cls", "mean"] = "cls"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is no multiple of {self.heads} heads")
        if self.tokens > _MOST_TOKENS:
            raise ValueError(f"{self.tokens} patches are too many for attention: take a larger patch")
        return self

    @property
    def tokens(self) -> int:
        """Patches of the panel."""
        return -(-self.num_variants // self.patch)


class PanelTransformer(nn.Module):
    """The transformer of the module: (records, num_variants) float32 copies to (records, num_outputs) logits."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Linear(config.patch, config.width)
        self.places = nn.Parameter(torch.zeros(config.tokens, config.width))
        if config.pooling == "cls":
            self.cls = nn.Parameter(torch.zeros(config.width))
        self.layers = encoder_layers(config.layers, config.width, config.heads, config.feedforward, config.dropout)
        self.norm = nn.LayerNorm(config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.width, config.num_outputs)

    @property
    def bytes_per_record(self) -> int:
        """What a batch takes for each of its records, about, beside its input."""
        tokens = self.config.tokens + 1
        return 4 * tokens * (10 * self.config.width + 2 * self.config.feedforward + self.config.heads * tokens)

    def features(self, x: Tensor) -> Tensor:
        """(records, width): what the head sees."""
        missing = self.config.tokens * self.config.patch - self.config.num_variants
        x = functional.pad(x, (0, missing)).view(len(x), self.config.tokens, self.config.patch)
        x = self.embed(x) + self.places
        if self.config.pooling == "cls":
            x = torch.cat([self.cls.expand(len(x), 1, -1), x], dim=1)
        for layer in self.layers:
            x = layer(x)
        x = self.norm(x)
        return x[:, 0] if self.config.pooling == "cls" else x.mean(dim=1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        return cast(Tensor, self.head(self.dropout(self.features(x))))


build = PanelTransformer
