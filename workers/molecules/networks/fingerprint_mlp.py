"""A multilayer perceptron over molecular fingerprints; without hidden layers it is a linear model.

Names of weights: `layers.N.*` (linear), `norms.N.*` where there is a norm, `head.*` (linear).
"""

from itertools import pairwise
from typing import Annotated, Literal, cast

from pydantic import Field
from torch import Tensor, nn

from schemas.frozen import Frozen


class Config(Frozen):
    """`hidden`: the width of each hidden layer. Each is linear, then the norm, then the activation. `dropout`: while it
    is trained this share of what they give is 0; scores know nothing of it."""

    num_inputs: int = Field(ge=1, le=1_000_000)
    num_outputs: int = Field(ge=1, le=1_000_000)
    hidden: tuple[Annotated[int, Field(ge=1, le=100_000)], ...] = (512, 128)
    norm: Literal["none", "batch", "layer"] = "none"
    activation: Literal["relu", "gelu", "tanh"] = "relu"
    dropout: float = Field(default=0.0, ge=0, lt=1)


class FingerprintMlp(nn.Module):
    """The perceptron that the module describes: (N, num_inputs) float32 to (N, num_outputs) logits."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        widths = (config.num_inputs, *config.hidden)
        norm = {"none": nn.Identity, "batch": nn.BatchNorm1d, "layer": nn.LayerNorm}[config.norm]
        self.layers = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(widths))
        self.norms = nn.ModuleList(norm(width) for width in config.hidden)
        self.activation: nn.Module = {"relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh}[config.activation]()
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(widths[-1], config.num_outputs)

    @property
    def bytes_per_record(self) -> int:
        """What a batch takes for each of its molecules, about."""
        return 12 * max(self.config.num_inputs, *self.config.hidden, self.config.num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = self.dropout(self.activation(norm(layer(x))))
        return cast(Tensor, self.head(x))


build = FingerprintMlp
