"""Settings that every network on events has. Imports no torch: the encoder reads them too."""

from typing import Literal

from pydantic import Field

from schemas.frozen import Frozen

EventInput = Literal["value", "delta", "ago", "age"]
"""What a network sees of an event beside its code; see `workers.ehr.events.networks.packed.PackedHistories`."""

Visits = Literal["event", "time", "day"]
"""Which events form one visit: each its own; those of one moment; those of one day (UTC)."""

UNKNOWN = 0
"""Index of a code that the vocabulary does not have; row 0 of the embedding."""


class EventNetworkConfig(Frozen):
    """`num_codes` are the rows of the embedding, `UNKNOWN` included. `dropout`: while it is trained this share of the
    embedded events, of what goes from layer to layer, and of what the head sees is 0; scores know nothing of it."""

    num_codes: int = Field(ge=2, le=100_000_000)
    num_outputs: int = Field(ge=1, le=1_000_000)
    embedding: int = Field(default=64, ge=1, le=65_536)
    inputs: tuple[EventInput, ...] = ()
    dropout: float = Field(default=0.0, ge=0, lt=1)
