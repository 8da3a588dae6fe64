"""How networks that mark structures are fitted. Imports torch."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from schemas.errors import SpecError
from schemas.wording import counted
from workers import registry
from workers.images.volumes.augment.augmentation import Augmentation
from workers.images.volumes.augment.steps import parse_augment
from workers.images.volumes.card import Windows
from workers.images.volumes.training.loss import Kind, overlap_loss, supervised_loss
from workers.images.volumes.training.overlap import dice
from workers.images.volumes.training.patches import drawn
from workers.images.volumes.training.planned import Fingerprint, planned
from workers.images.volumes.training.shown import ShownVolume, ShownVolumes
from workers.images.volumes.training.whole import whole_logits
from workers.images.volumes.volume import Shape3
from workers.labels.settings import label_values
from workers.models.member_files import member_files
from workers.models.network_directory import CONFIG
from workers.training.job.recipes import FitTask
from workers.training.losses import kind_of
from workers.training.network import fresh_network, whole_settings

_FORMAT = "wardround-volume-model"
_VOXELS = "voxels"
_NAMED = 5


@dataclass(frozen=True)
class SegmentationRecipe:
    """One network on volumes. Implements `workers.training.job.recipes.TrainingRecipe` and
    `workers.training.recipe.OwnMeasure`."""

    task: FitTask
    settings: Mapping[str, Any]
    windows: Windows
    remarks: Sequence[str]

    @property
    def augment(self) -> Augmentation:
        """The steps of the spec."""
        return Augmentation(parse_augment(list(self.task.source.augment)))

    @property
    def loss_kind(self) -> Kind:
        """What is made small."""
        return cast(Kind, kind_of("segmentation", self.task.source.fit.loss))

    def network(self) -> nn.Module:
        """Fresh weights, or those of `start`."""
        source = self.task.source
        return fresh_network(registry.networks(source.networks_of), source.network.name, self.settings, self.task.start)

    def batch(
        self, examples: Sequence[ShownVolume], targets: NDArray[np.float64], generator: np.random.Generator | None
    ) -> tuple[Mapping[str, Tensor], Tensor]:
        """A patch of each volume, (n, channels, i, j, k), and the classes of its voxels, (n, i, j, k)."""
        chance = generator or np.random.default_rng(0)
        augment = self.augment if generator is not None else Augmentation(())
        share = self.task.source.patches.foreground
        shown, truths = [], []
        for volume in examples:
            patch = drawn(volume, self.windows.roi, share, chance)
            voxels, truth = augment(volume.voxels, volume.classes, patch, volume.spacing, chance)
            shown.append(voxels)
            truths.append(truth)
        return {_VOXELS: torch.from_numpy(np.stack(shown))}, torch.from_numpy(np.stack(truths))

    def logits(self, network: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """(n, classes, i, j, k) of the finest answer."""
        return _answers(network(batch[_VOXELS]))[0]

    def loss(self, network: nn.Module, batch: Mapping[str, Tensor], targets: Tensor) -> Tensor:
        """The sum over patches, of all answers of the network."""
        return supervised_loss(self.loss_kind, _answers(network(batch[_VOXELS])), targets)

    def judged(self, network: nn.Module, example: ShownVolume) -> tuple[float, Sequence[float]]:
        """Loss and Dice of each structure of a whole volume, window by window as `predict` has them."""
        logits = whole_logits(network, example.voxels, self.windows)
        truth = torch.from_numpy(example.classes.astype(np.int64))
        loss = float(overlap_loss(self.loss_kind, logits[None], truth[None]))
        return loss, dice(logits.argmax(0).numpy(), example.classes, len(logits))

    def files(self, members: Sequence[Mapping[str, Tensor]]) -> Mapping[str, bytes]:
        """A directory of format `wardround-volume-model`; of several members each has its weights in a file, and the
        mean of their probabilities counts."""
        ((_, output),) = self.task.source.outputs.items()
        structures = [
            {"name": name, "label": label_values(values)[0], "channel": channel}
            for channel, (name, values) in enumerate(output.structures.items(), start=1)
        ]
        named, files = member_files(members)
        config = {
            "format": _FORMAT,
            "format_version": 1,
            "task": "segmentation",
            "network": self.task.source.network.name,
            "settings": dict(self.settings),
            "head": self.task.head.model_dump(mode="json"),
            "windows": self.windows.model_dump(mode="json"),
            "structures": structures,
            "prepare": list(self.task.steps),
            **({"mean": "probabilities"} if len(members) > 1 else {}),
        }
        return {CONFIG: json.dumps({**config, **named}, indent=1).encode() + b"\n", **files}


class SegmentationRecipes:
    """Implements `workers.training.job.recipes.Recipes`."""

    def examples(self, rows: pa.Table) -> ShownVolumes:
        """Volumes of any shape."""
        return ShownVolumes(rows)

    def open(self, task: FitTask, train: Sequence[ShownVolume]) -> SegmentationRecipe:
        """The network that the spec names, planned for volumes as the training ones. Raises SpecError."""
        source = task.source
        fingerprint = Fingerprint.of(train)
        chosen = dict(source.network.settings)
        size, settings = planned(source.network.name, chosen, source.patches, fingerprint)
        whole_settings(chosen, _decided(task, train))
        settings = {**settings, **_decided(task, train)}
        overlap = source.patches.overlap
        windows = Windows(roi=size, overlap=(overlap, overlap, overlap), blend="gaussian")
        recipe = SegmentationRecipe(task, settings, windows, tuple(_remarks(train, fingerprint, size)))
        _check(recipe)
        return recipe


def _decided(task: FitTask, train: Sequence[ShownVolume]) -> Mapping[str, Any]:
    """What data and outputs decide. Raises SpecError for volumes of unlike channels."""
    channels = sorted({len(volume.voxels) for volume in train})
    if len(channels) > 1:
        raise SpecError(
            f"prepare: the prepared volumes have {' or '.join(map(str, channels))} channels, and a network takes one "
            "number of them: leave out those of another kind"
        )
    return {"in_channels": channels[0], "num_outputs": len(task.head.labels)}


def _remarks(train: Sequence[ShownVolume], fingerprint: Fingerprint, size: Shape3) -> Sequence[str]:
    known = f"patches of {' x '.join(map(str, size))} voxels, {fingerprint.said}"
    empty = sum(not len(volume.places) for volume in train)
    none = [f"{counted(empty, 'training volume')} without a single voxel of a structure"] if empty else []
    return [known, *none, *_unnamed(train)]


def _unnamed(train: Sequence[ShownVolume]) -> Sequence[str]:
    """What is learned as background, though label maps mark it."""
    values = sorted({value for volume in train for value in volume.unnamed})
    if not values:
        return []
    which = ", ".join(map(str, values[:_NAMED])) + (", ..." if len(values) > _NAMED else "")
    of = counted(sum(bool(volume.unnamed) for volume in train), "training volume")
    return [f"label maps of {of} have values that are no structure's ({which}) and are learned as background"]


def _check(recipe: SegmentationRecipe) -> None:
    """Raises SpecError where the network does not take such patches: told without memory, before any step."""
    roi = recipe.windows.roi
    with torch.device("meta"), torch.no_grad():
        network = recipe.network()
        try:
            answer = _answers(network.eval()(torch.empty(1, recipe.settings["in_channels"], *roi)))[0]
        except (AssertionError, IndexError, RuntimeError, ValueError) as error:
            said = str(error).strip().splitlines()
            raise SpecError(
                f"input.patches: the network does not take {' x '.join(map(str, roi))} voxels "
                f"({said[0] if said else type(error).__name__}): set patches.size, or other settings of the network"
            ) from None
    expected = (1, recipe.settings["num_outputs"], *roi)
    if tuple(answer.shape) != expected:
        raise SpecError(
            f"input.network: {recipe.task.source.network.name} answers {tuple(answer.shape)} to a patch, and marking "
            f"needs {expected}: choose a network that marks structures"
        )


def _answers(given: Any) -> Sequence[Tensor]:
    """The answers of a network, the finest first: MONAI's DynUNet has several in one tensor."""
    if isinstance(given, Tensor):
        return list(given.unbind(1)) if given.ndim == 6 else [given]
    return list(given)


RECIPES = SegmentationRecipes()
"""What `job: train` takes of this room."""
