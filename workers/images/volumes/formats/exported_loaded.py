"""Loads what workers.images.volumes.formats.exported describes. Imports torch."""

from pathlib import Path

from workers.contract import ModelCard, Placement
from workers.images.volumes.formats.torch_volume import TorchVolume, torch_volume
from workers.models.device import set_up
from workers.models.exported.archive import Archive
from workers.models.exported.network import load_network
from workers.models.exported.program import read_program


def load(path: Path, card: ModelCard, placement: Placement) -> TorchVolume:
    """The program as a network on the device. Raises SpecError where it does not fit the card."""
    set_up(placement.threads)
    archive = Archive(path)
    network = load_network(archive, read_program(archive.program(), str(path)))
    return torch_volume([network], card, placement.device, str(path))
