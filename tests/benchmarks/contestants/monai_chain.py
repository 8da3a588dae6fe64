"""A segmentation as the bundles of MONAI's model zoo have it (`spleen_ct_segmentation`), for a model directory of ours.

LoadImaged (pydicom on the folder of a series), EnsureChannelFirstd, Orientationd, Spacingd, ScaleIntensityRanged,
EnsureTyped; SlidingWindowInferer with batches of four; Activationsd, Invertd, AsDiscreted, SaveImaged. In float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from monai.inferers import SlidingWindowInferer
from monai.transforms import (
    Activationsd,
    AsDiscreted,
    Compose,
    EnsureChannelFirstd,
    EnsureTyped,
    Invertd,
    LoadImaged,
    Orientationd,
    SaveImaged,
    ScaleIntensityRanged,
    Spacingd,
)
from torch import nn

from tests.benchmarks.segmenters import read

POSTFIX = "trans"
_BATCH = 4


def device() -> str:
    """As the bundles choose it."""
    return "cuda" if torch.cuda.is_available() else "cpu"


@dataclass(frozen=True)
class Chain:
    """What comes before the network, the network with its windows, and what comes after it."""

    before: Compose
    network: nn.Module
    inferer: SlidingWindowInferer
    after: Compose


def chains_of(models: list[Path], out: Path) -> list[Chain]:
    """One a model; all share the first one's preprocessing, which is that of all. Masks go to `out`/MODEL."""
    chains: list[Chain] = []
    for model in models:
        network, config = read(model)
        before = chains[0].before if chains else before_of(config)
        windows = config["windows"]
        inferer = SlidingWindowInferer(windows["roi"], sw_batch_size=_BATCH, overlap=windows["overlap"])
        chains.append(Chain(before, network.to(device()), inferer, after_of(before, out / model.name)))
    return chains


def before_of(config: dict[str, Any]) -> Compose:
    """The transforms of the model's prepare list."""
    steps = {name: settings for step in config["prepare"] for name, settings in step.items()}
    scale = steps["scale_range"]
    values = {"a_min": scale["low"], "a_max": scale["high"], "b_min": scale["output"][0], "b_max": scale["output"][1]}
    return Compose(
        [
            LoadImaged("image", reader="PydicomReader"),
            EnsureChannelFirstd("image"),
            Orientationd("image", axcodes=steps["orient"]["axes"]),
            Spacingd("image", pixdim=steps["resample"]["spacing"], mode="bilinear"),
            ScaleIntensityRanged("image", clip=True, **values),
            EnsureTyped("image"),
        ]
    )


def after_of(before: Compose, out: Path) -> Compose:
    """Probabilities back to the grid of the original, decided there and written."""
    return Compose(
        [
            Activationsd("pred", softmax=True),
            Invertd("pred", transform=before, orig_keys="image", nearest_interp=False, to_tensor=True),
            AsDiscreted("pred", argmax=True),
            SaveImaged("pred", output_dir=out, output_postfix=POSTFIX, separate_folder=False, print_log=False),
        ]
    )


def mask_of(out: Path, model: Path, case: str) -> Path:
    """Where the mask of a case is written."""
    return out / model.name / f"{case}_{POSTFIX}.nii.gz"
