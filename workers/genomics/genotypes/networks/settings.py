"""Settings that every network over a panel of variants has. Imports no torch: the driver reads them too."""

from pydantic import Field

from schemas.frozen import Frozen


class PanelNetworkConfig(Frozen):
    """`num_variants` is the length of the panel, whose order the network knows."""

    num_variants: int = Field(ge=1, le=50_000_000)
    num_outputs: int = Field(ge=1, le=1_000_000)
