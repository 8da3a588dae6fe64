"""What `configs/metadata.json` of a bundle says of the tensors that go in and come out (`network_data_format`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from schemas.errors import SpecError
from schemas.loading import validate
from workers.images.volumes.formats.lenient import Lenient


class Tensor(Lenient):
    """One tensor; what else is said of it has no use here."""

    num_channels: int | None = Field(default=None, ge=1)
    value_range: tuple[float, ...] = ()
    channel_def: dict[str, Any] = Field(default_factory=dict)

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The smallest and largest value; None where none, or the labels of a map, stand there."""
        low_and_high = self.value_range if len(self.value_range) == 2 else (0.0, 0.0)
        return (low_and_high[0], low_and_high[1]) if low_and_high[0] < low_and_high[1] else None


class _Format(Lenient):
    inputs: dict[str, Tensor] = Field(default_factory=dict)
    outputs: dict[str, Tensor] = Field(default_factory=dict)


class _Metadata(Lenient):
    network_data_format: _Format = Field(default_factory=_Format)


@dataclass(frozen=True)
class DataFormat:
    """The one tensor that goes in and the one that comes out."""

    image: Tensor
    pred: Tensor


def data_format(metadata: Mapping[str, Any], where: str) -> DataFormat:
    """Raises SpecError where several go in, or several come out."""
    found = validate(_Metadata, metadata, where).network_data_format
    return DataFormat(_one(found.inputs, "image", where), _one(found.outputs, "pred", where))


def _one(tensors: Mapping[str, Tensor], name: str, where: str) -> Tensor:
    # What else comes out nobody reads; what else goes in would be missing.
    if name in tensors and (name == "pred" or len(tensors) == 1):
        return tensors[name]
    if len(tensors) > 1:
        raise SpecError(
            f"{where}: network_data_format has {', '.join(tensors)}: only models of one tensor each are read"
        )
    return next(iter(tensors.values()), Tensor())
