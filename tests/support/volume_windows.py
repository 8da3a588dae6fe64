"""Small networks, volumes and cards for tests of windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from monai.networks.nets import UNet
from torch import Tensor, nn

from workers.images.volumes.card import Structure, VolumeCard, Windows
from workers.images.volumes.volume import Grid, Volume
from workers.images.volumes.windows.finished import Finished
from workers.images.volumes.windows.runner import open_runner, open_tuner
from workers.images.volumes.windows.sinks import LogitsSink


class Net:
    """A network as a VolumeModel on the CPU. `room`: voxels of a batch that its device holds."""

    device = "cpu"

    def __init__(self, network: Callable[[Tensor], Tensor], card: VolumeCard, room: int = 10**12) -> None:
        self.network = network
        self.card = card
        self.room = room
        self.batches: list[int] = []

    def forward(self, windows: Tensor) -> Tensor:
        if windows.numel() > self.room:
            raise MemoryError
        self.batches.append(len(windows))
        with torch.inference_mode():
            return self.network(windows)


def unet(channels: int = 1, outputs: int = 3, seed: int = 0) -> nn.Module:
    """A small residual UNet of MONAI with random weights, norms included."""
    torch.manual_seed(seed)
    network = UNet(3, channels, outputs, (4, 8, 8), (2, 2), num_res_units=1)
    for module in network.modules():
        if isinstance(module, nn.InstanceNorm3d) and module.weight is not None:
            nn.init.normal_(module.weight)
    return network.eval()


def card(windows: Windows | None, outputs: int = 3, channels: int = 1, **more: Any) -> VolumeCard:
    """A segmentation whose channel 0 is the background."""
    structures = tuple(Structure(name=f"s{n}", label=n, channel=n) for n in range(1, outputs))
    settings = {"activation": "softmax", "structures": structures, **more}
    return VolumeCard(task="segmentation", channels=channels, outputs=outputs, windows=windows, **settings)


def volume(*shape: int, seed: int = 0, channels: int = 1, smooth: bool = False) -> Volume:
    """Noise on a grid of 1 mm."""
    voxels = np.random.default_rng(seed).normal(size=(channels, *shape)).astype(np.float32)
    return Volume(voxels, Grid(tuple(shape), np.eye(4)))


def run(model: Any, volumes: Sequence[Volume], batch: int = 4, sink: Any = LogitsSink, **more: Any) -> list[Finished]:
    """All of them through one runner, one after the other."""
    runner = open_runner(model, open_tuner(model, fixed=batch), sink, **more)
    done = []
    for key, one in enumerate(volumes):
        done += runner.add(key, one)
    return [*done, *runner.flush()]
