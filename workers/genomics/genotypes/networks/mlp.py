"""A multilayer perceptron over a panel of variants; without hidden layers it is a linear model.

Names of weights: `layers.N.*` (linear), `norms.N.*` where there is a norm, `head.*` (linear).
"""

from itertools import pairwise
from typing import Annotated, Literal, cast

from pydantic import Field
from torch import Tensor, nn

from workers.genomics.genotypes.networks.settings import PanelNetworkConfig


class Config(PanelNetworkConfig):
    """`hidden`: the width of each hidden layer. Each is linear, then the norm, then the activation."""

    hidden: tuple[Annotated[int, Field(ge=1, le=1_000_000)], ...] = (256, 64)
    norm: Literal["none", "batch", "layer"] = "none"
    activation: Literal["relu", "gelu"] = "relu"


class PanelMlp(nn.Module):
    """The perceptron of the module: (records, num_variants) float32 copies to (records, num_outputs) logits."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        widths = (config.num_variants, *config.hidden)
        kind = {"none": nn.Identity, "batch": nn.BatchNorm1d, "layer": nn.LayerNorm}[config.norm]
        self.layers = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(widths))
        self.norms = nn.ModuleList(kind(width) for width in config.hidden)
        self.activation = nn.ReLU() if config.activation == "relu" else nn.GELU()
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(widths[-1], config.num_outputs)

    @property
    def bytes_per_record(self) -> int:
        """What a batch takes for each of its records, about, beside its input."""
        return 12 * max((*self.config.hidden, self.config.num_outputs))

    def features(self, x: Tensor) -> Tensor:
        """(records, last hidden width): what the head sees."""
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = self.dropout(self.activation(norm(layer(x))))
        return x

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        return cast(Tensor, self.head(self.features(x)))


build = PanelMlp
