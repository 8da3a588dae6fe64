"""Settings of `workers.genomics.sequences.networks.dilated_resnet`. Imports no torch: the driver asks for the window
too.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

_Kernel = Annotated[int, Field(ge=1, le=1025)]
_Dilation = Annotated[int, Field(ge=1, le=65_536)]


class Config(BaseModel):
    """`kernels` and `dilations` hold one number a block, for both of its convolutions.

    `positions` are the central positions whose outputs are wanted, `pooling` what is made of them: `each` keeps them
    apart (position by position, all outputs of the first position first), `mean` and `max` leave one number an output.
    `num_outputs` counts what a window yields in the end.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_outputs: int = Field(ge=1, le=1_000_000)
    channels: int = Field(default=32, ge=1, le=8192)
    kernels: tuple[_Kernel, ...] = Field(default=(11,) * 8 + (21,) * 4 + (41,) * 4, min_length=1, max_length=512)
    dilations: tuple[_Dilation, ...] = (1,) * 4 + (4,) * 4 + (10,) * 4 + (25,) * 4
    skip_every: int = Field(default=4, ge=1, le=512)
    positions: int = Field(default=1, ge=1, le=1_000_001)
    pooling: Literal["each", "mean", "max"] = "mean"

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
