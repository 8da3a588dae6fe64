"""Settings that every network over a panel of variants has. Imports no torch: the driver reads them too."""

from pydantic import Field

from schemas.frozen import Frozen


class PanelNetworkConfig(Frozen):
    """`num_variants` is the length of the panel, whose order the network knows. `dropout`: while it is trained this
    share of what goes from layer to layer and of what the head sees is 0; scores know nothing of it."""

    num_variants: int = Field(ge=1, le=50_000_000)
    num_outputs: int = Field(ge=1, le=1_000_000)
    dropout: float = Field(default=0.0, ge=0, lt=1)
