"""The small network of Keras's first example ("Simple MNIST convnet", Chollet 2015).

Convolution of 32, ReLU, 2x2 maximum, convolution of 64, ReLU, 2x2 maximum, all 3x3, and one linear layer of all that is
left; weights begin as in Keras (Glorot and Bengio 2010, biases 0). Names of weights are those of one `nn.Sequential`:
`0`, `3` and `8`. It takes images of one size.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from torch import nn

from schemas.frozen import Frozen

Side = Annotated[int, Field(ge=1, le=4096)]
_KERNEL = 3
_FEATURES = (32, 64)


class Config(Frozen):
    """`size` is rows and columns of every image. `padding: same` keeps them in convolutions, for images below ten."""

    in_channels: int = Field(ge=1, le=1024)
    num_outputs: int = Field(ge=1, le=1_000_000)
    size: tuple[Side, Side] = (28, 28)
    padding: Literal["valid", "same"] = "valid"
    dropout: float = Field(default=0.5, ge=0, lt=1)

    @model_validator(mode="after")
    def _something_is_left(self) -> Self:
        if min(_left(side, self.padding) for side in self.size) < 1:
            raise ValueError(f"nothing is left of {self.size[0]} x {self.size[1]} pixels: take padding 'same'")
        return self


def build(config: Config) -> nn.Module:
    """Network from (N, in_channels, *size) float32 to (N, num_outputs) logits."""
    padding = _KERNEL // 2 if config.padding == "same" else 0
    layers: list[nn.Module] = []
    before = config.in_channels
    for features in _FEATURES:
        layers += [nn.Conv2d(before, features, _KERNEL, padding=padding), nn.ReLU(), nn.MaxPool2d(2)]
        before = features
    rows, columns = (_left(side, config.padding) for side in config.size)
    last = nn.Linear(before * rows * columns, config.num_outputs)
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(config.dropout), last).apply(_begin)


def smallest_side(config: Config) -> int:
    """Fewest rows or columns of an image."""
    return min(config.size)


def exact_size(config: Config) -> tuple[int, int]:
    """Rows and columns of an image."""
    return config.size


def _left(side: int, padding: str) -> int:
    """Rows or columns behind both pairs of convolution and maximum."""
    for _ in _FEATURES:
        side = (side - (0 if padding == "same" else _KERNEL - 1)) // 2
    return side


def _begin(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
