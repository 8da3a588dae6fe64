"""A one-dimensional convolutional network along a panel of variants.

Each layer is a convolution over neighbouring variants, batch norm, ReLU, and mean pooling by `pools`; what is left is
averaged into `bins` equal stretches of the panel, so that a score may depend on where along it something lies.

Names of weights: `convolutions.N.*`, `norms.N.*` (batch norm), `head.*` (linear, from channels x bins).
"""

from typing import Annotated, Self, cast

from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from workers.genomics.genotypes.networks.settings import PanelNetworkConfig


class Config(PanelNetworkConfig):
    """`channels`, `kernels` (odd) and `pools` hold one number a layer."""

    channels: tuple[Annotated[int, Field(ge=1, le=8192)], ...] = Field(default=(16, 32), min_length=1)
    kernels: tuple[Annotated[int, Field(ge=1, le=4095)], ...] = (15, 15)
    pools: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = (4, 4)
    bins: int = Field(default=16, ge=1, le=65_536)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not len(self.channels) == len(self.kernels) == len(self.pools):
            raise ValueError("channels, kernels and pools must hold one number a layer")
        if any(kernel % 2 == 0 for kernel in self.kernels):
            raise ValueError("kernels must be odd, so that each variant lies in the middle of its own")
        left = self.num_variants
        for pool in self.pools:
            left //= pool
        if left < self.bins:
            raise ValueError(f"{left} places are left of {self.num_variants} variants, fewer than {self.bins} bins")
        return self


class PanelCnn(nn.Module):
    """As the module describes it: (records, num_variants) float32 to (records, num_outputs) logits."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        before = (1, *config.channels[:-1])
        self.convolutions = nn.ModuleList(
            nn.Conv1d(inside, outside, kernel, padding=kernel // 2)
            for inside, outside, kernel in zip(before, config.channels, config.kernels, strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for width in config.channels)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.channels[-1] * config.bins, config.num_outputs)

    @property
    def bytes_per_record(self) -> int:
        """What a batch takes for each of its records, about, beside its input."""
        places, most = self.config.num_variants, 0
        for channels, pool in zip(self.config.channels, self.config.pools, strict=True):
            most = max(most, places * channels)
            places //= pool
        return 12 * most

    def features(self, x: Tensor) -> Tensor:
        """(records, channels x bins): what the head sees."""
        x = x[:, None]
        for convolution, norm, pool in zip(self.convolutions, self.norms, self.config.pools, strict=True):
            x = self.dropout(functional.avg_pool1d(functional.relu(norm(convolution(x))), pool))
        return functional.adaptive_avg_pool1d(x, self.config.bins).flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        return cast(Tensor, self.head(self.features(x)))


build = PanelCnn
