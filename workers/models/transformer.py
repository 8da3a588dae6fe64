"""The layers that our transformers are made of. Imports torch."""

from torch import nn


def encoder_layers(layers: int, width: int, heads: int, feedforward: int, dropout: float) -> nn.ModuleList:
    """So many of torch's own encoder layers, the norm before attention and before the feed-forward part, with GELU."""
    sizes = (width, heads, feedforward, dropout)
    return nn.ModuleList(
        nn.TransformerEncoderLayer(*sizes, activation="gelu", batch_first=True, norm_first=True) for _ in range(layers)
    )
