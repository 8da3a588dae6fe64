"""A 1-D residual network of dilated convolutions over bases, as published splice models have it.

Jaganathan et al., Predicting splicing from primary sequence with deep learning, Cell 2019, figure 1 and methods: a
convolution of width 1, then residual blocks of twice (batch norm, ReLU, dilated convolution), a skip connection of
width 1 from the stem and from every fourth block into one sum, and a convolution of width 1 from the sum to the
outputs of each position. A window's outputs are those of its central positions; the others are its context.

Names of weights: `stem.*`, `skip.*`, `blocks.N.norm1.*`, `blocks.N.conv1.*`, `blocks.N.norm2.*`, `blocks.N.conv2.*`,
`skips.N.*` (one a skip connection of blocks, in their order), `head.*`.
"""

from typing import Annotated, Literal, Self, cast

from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from schemas.frozen import Frozen
from workers.genomics.sequences.networks.variant_scorer import VariantScorer

_Kernel = Annotated[int, Field(ge=1, le=1025)]
_Dilation = Annotated[int, Field(ge=1, le=65_536)]


class Config(Frozen):
    """`kernels` and `dilations` hold one number a block, for both of its convolutions.

    `positions` are the central positions whose outputs are wanted, `pooling` what is made of them: `each` keeps them
    apart (position by position, all outputs of the first position first), `mean` and `max` leave one number an output,
    of the raw outputs, before any activation.
    `num_outputs` counts what a window yields in the end. `norm_eps` is what batch norms add to the variance: 1e-5 in
    torch, 1e-3 in Keras.
    """

    num_outputs: int = Field(ge=1, le=1_000_000)
    channels: int = Field(default=32, ge=1, le=8192)
    kernels: tuple[_Kernel, ...] = Field(default=(11,) * 8 + (21,) * 4 + (41,) * 4, min_length=1, max_length=512)
    dilations: tuple[_Dilation, ...] = (1,) * 4 + (4,) * 4 + (10,) * 4 + (25,) * 4
    skip_every: int = Field(default=4, ge=1, le=512)
    positions: int = Field(default=1, ge=1, le=1_000_001)
    pooling: Literal["each", "mean", "max"] = "mean"
    norm_eps: float = Field(default=1e-5, gt=0, le=1)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.kernels) != len(self.dilations):
            raise ValueError(
                f"{len(self.kernels)} kernels but {len(self.dilations)} dilations: give one of each a block"
            )
        if even := [kernel for kernel in self.kernels if kernel % 2 == 0]:
            raise ValueError(f"a kernel of {even[0]} has no middle: give odd kernels")
        if self.positions % 2 == 0:
            raise ValueError(f"{self.positions} positions have no middle: give an odd number")
        if len(self.kernels) % self.skip_every:
            raise ValueError(f"{len(self.kernels)} blocks cannot be cut into groups of skip_every = {self.skip_every}")
        if self.pooling == "each" and self.num_outputs % self.positions:
            raise ValueError(f"{self.num_outputs} outputs cannot be shared out evenly to {self.positions} positions")
        if self.window > 5_000_000:
            raise ValueError(f"a window of {self.window} bases is more than the 5,000,000 that are read")
        return self

    @property
    def reach(self) -> int:
        """Bases on either side of a position that its outputs depend on."""
        return sum((kernel - 1) * dilation for kernel, dilation in zip(self.kernels, self.dilations, strict=True))

    @property
    def window(self) -> int:
        """Bases that the network takes."""
        return self.positions + 2 * self.reach

    @property
    def outputs_per_position(self) -> int:
        """Width of the head."""
        return self.num_outputs // self.positions if self.pooling == "each" else self.num_outputs


__all__ = ["Config", "DilatedResnet", "VariantScorer", "build"]


class Block(nn.Module):
    """x plus twice (batch norm, ReLU, dilated convolution) of x, at the same length."""

    def __init__(self, channels: int, kernel: int, dilation: int, norm_eps: float) -> None:
        super().__init__()
        # Zeros are put around by hand: oneDNN's convolution that does it itself takes three times as long.
        self.padding = ((kernel - 1) * dilation // 2,) * 2
        self.norm1 = nn.BatchNorm1d(channels, norm_eps)
        self.conv1 = nn.Conv1d(channels, channels, kernel, dilation=dilation)
        self.norm2 = nn.BatchNorm1d(channels, norm_eps)
        self.conv2 = nn.Conv1d(channels, channels, kernel, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, L) to the same."""
        hidden = self.conv1(functional.pad(functional.relu(self.norm1(x)), self.padding))
        return cast(Tensor, x + self.conv2(functional.pad(functional.relu(self.norm2(hidden)), self.padding)))


class DilatedResnet(nn.Module):
    """(N, 4, window) float32, one-hot A C G T with zeros for N, to (N, num_outputs) logits.

    As published: every convolution over the whole window, and the centre cut out of the sum at the end.

    Zeros stand beyond the window's ends. They are out of reach of the centre, so they change nothing.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        width = config.channels
        self.stem = nn.Conv1d(4, width, 1)
        self.skip = nn.Conv1d(width, width, 1)
        self.blocks = nn.ModuleList(
            Block(width, kernel, dilation, config.norm_eps)
            for kernel, dilation in zip(config.kernels, config.dilations, strict=True)
        )
        self.skips = nn.ModuleList(nn.Conv1d(width, width, 1) for _ in range(len(config.kernels) // config.skip_every))
        self.head = nn.Conv1d(width, config.outputs_per_position, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        x = self.stem(x)
        total = self.skip(x)
        for number, block in enumerate(self.blocks, start=1):
            x = block(x)
            if number % self.config.skip_every == 0:
                total = total + self.skips[number // self.config.skip_every - 1](x)
        reach = self.config.reach
        return self.finish(total[:, :, reach : reach + self.config.positions])

    def finish(self, total: Tensor) -> Tensor:
        """(N, channels, positions), the sum of the skip connections at the wanted positions, to (N, num_outputs)."""
        outputs: Tensor = self.head(total)
        if self.config.pooling == "mean":
            return outputs.mean(dim=2)
        if self.config.pooling == "max":
            return outputs.amax(dim=2)
        return outputs.transpose(1, 2).flatten(1)


build = DilatedResnet
