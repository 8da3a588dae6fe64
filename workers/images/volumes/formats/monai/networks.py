"""Networks of a bundle by the names and settings that ours have."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.errors import SpecError
from workers import registry
from workers.images.volumes.formats.monai.config import Component
from workers.images.volumes.formats.monai.metadata import DataFormat

OURS = {
    "n_input_channels": "in_channels",
    "out_channels": "num_outputs",
    "num_classes": "num_outputs",
    "classes": "num_outputs",
    "img_size": "size",
}
_WITHOUT = {"SwinUNETR": ("img_size",)}
"""What MONAI no longer takes, and what nothing followed from."""


@dataclass(frozen=True)
class BundleNetwork:
    """`name` stands in the registry; `marks`: structures rather than labels of the whole image."""

    name: str
    settings: Mapping[str, Any]
    marks: bool


def network_of(given: Component, data: DataFormat) -> BundleNetwork:
    """The network that a component names. Raises SpecError for what is no 3-D network of MONAI that is known."""
    known = {name.removeprefix("monai."): name for name in registry.networks(registry.VOLUMES) if "monai." in name}
    exact = {name.lower(): name for name in known}.get(given.target.lower())
    if exact is None:
        raise SpecError(
            f"{given.where}: network {given.target!r} is not known: save it as ONNX (docs/models.md). Known: "
            f"{', '.join(sorted(known))}"
        )
    dropped = _WITHOUT.get(exact, ())
    settings = {OURS.get(key, key): value for key, value in given.settings.items() if key not in dropped}
    if settings.pop("spatial_dims", 3) != 3:
        raise SpecError(f"{given.where}: is a network on images of two dimensions: only bundles of volumes are read")
    if settings.get("pretrained"):
        settings["pretrained"] = False
    if isinstance(settings.get("size"), int):
        settings["size"] = [settings["size"]] * 3
    for key, told in (("in_channels", data.image.num_channels), ("num_outputs", data.pred.num_channels)):
        settings.setdefault(key, told)
        if settings[key] is None:
            raise SpecError(
                f"{given.where}: does not say {key}, and metadata.json has no num_channels: write one there"
            )
    return BundleNetwork(known[exact], settings, exact in registry.MONAI_MARKS)
