"""How the networks on images are fitted. Imports torch."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from schemas.errors import RecordError, SpecError
from schemas.loading import validate
from schemas.wording import counted
from workers import registry
from workers.contract import Affine, Array
from workers.images.augment.augmentation import Augmentation
from workers.images.formats.native import Native
from workers.images.formats.to_tensor import ToTensor
from workers.images.prepare.affine import range_after
from workers.images.prepare.plan import Ready, split
from workers.images.steps import parse_steps
from workers.images.training.augmenting import augmentation
from workers.models.member_files import member_files
from workers.models.network_directory import CONFIG
from workers.training.job.recipes import FitTask, TrainingRecipe
from workers.training.job.settings import TrainKeys
from workers.training.network import fresh_network, whole_settings
from workers.training.recipe import Example
from workers.training.sampler import smallest_part

_NAMED = 3


class Pictures(Sequence[Ready]):
    """Prepared images in a table that may be larger than memory; each is a view of it."""

    def __init__(self, rows: pa.Table) -> None:
        self._pixels = rows["pixels"]
        shapes = [tuple(shape) for shape in rows["shape"].to_pylist()]
        self.shape, self.dtype = _only(shapes, "shape"), np.dtype(_only(rows["dtype"].to_pylist(), "type"))
        self._ranges = [tuple(pair) for pair in rows["range"].to_pylist()]

    def __len__(self) -> int:
        return len(self._pixels)

    def __getitem__(self, place: Any) -> Any:
        pixels = np.frombuffer(self._pixels[place].as_buffer(), self.dtype).reshape(self.shape)
        return Ready(pixels, self._ranges[place])


def _only(values: Sequence[Any], what: str) -> Any:
    """Raises SpecError where there are several: no batch could be made of them."""
    found = sorted(set(values))
    if len(found) > 1:
        named = ", ".join(str(value) for value in found[:_NAMED])
        raise SpecError(
            f"prepare: the prepared images have {len(found)} different {what}s ({named} first), and a network is "
            "trained on one: end the list with steps such as `channels`, `resize` and `to_uint8`"
        )
    return found[0]


@dataclass(frozen=True)
class ImageRecipe:
    """One network on images of one shape. Implements `workers.training.job.recipes.TrainingRecipe`."""

    task: FitTask
    settings: Mapping[str, Any]
    to_tensor: ToTensor
    augment: Augmentation
    value_range: tuple[float, float] | None

    def network(self) -> nn.Module:
        """Fresh weights, or those of `start`."""
        name = self.task.source.network.name
        return fresh_network(registry.networks("images"), name, self.settings, self.task.start)

    def batch(
        self, examples: Sequence[Example], targets: NDArray[np.float64], generator: np.random.Generator | None
    ) -> tuple[Mapping[str, Tensor], Tensor]:
        """As predict gives them to the network, after the augmentation where there is a generator."""
        pixels = [ready.pixels for ready in examples]
        if generator is not None:
            pixels, targets = self.augment(pixels, targets, generator)
        images = self.to_tensor(pixels, channels_last=False)
        return {"images": images}, torch.from_numpy(targets.astype(np.float32))

    def logits(self, network: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """(images, logits)."""
        found: Tensor = network(batch["images"])
        return found

    def files(self, members: Sequence[Mapping[str, Tensor]]) -> Mapping[str, bytes]:
        """A directory of format `wardround-model`; of several members each has its weights in a file."""
        config: dict[str, Any] = {
            "format": Native.name,
            "format_version": 1,
            "network": self.task.source.network.name,
            "settings": dict(self.settings),
            "head": self.task.head.model_dump(mode="json"),
            "prepare": list(self.task.steps),
        }
        if self.value_range is not None:
            config["value_range"] = list(self.value_range)
        named, files = member_files(members)
        return {CONFIG: json.dumps({**config, **named}, indent=1).encode() + b"\n", **files}


class ImageRecipes:
    """Implements `workers.training.job.recipes.Recipes`."""

    def examples(self, rows: pa.Table) -> Pictures:
        """Images of one shape and type."""
        return Pictures(rows)

    def open(self, task: FitTask, train: Sequence[Example]) -> TrainingRecipe:
        """The network that the spec names, for images as the first one."""
        first: Array = train[0].pixels
        channels = 1 if first.ndim == 2 else first.shape[2]
        _, affine = split(parse_steps(list(task.steps)))
        module = registry.networks("images").load(task.source.network.name, "input.network.name")
        decided: dict[str, Any] = {"in_channels": channels, "num_outputs": len(task.head.labels)}
        if hasattr(module, "exact_size"):
            decided["size"] = list(first.shape[:2])
        settings = whole_settings(task.source.network.settings, decided)
        config = validate(module.Config, settings, "input.network.settings")
        to_tensor = ToTensor(affine, "cpu", channels, int(module.smallest_side(config)))
        _check_image(to_tensor, first)
        augment = augmentation(task.source, len(train))
        recipe = ImageRecipe(task, settings, to_tensor, augment, _range_after(affine, train))
        _check_parts(module.build, config, (channels, *first.shape[:2]), task.source, len(train))
        return recipe


def _check_image(to_tensor: ToTensor, first: Array) -> None:
    """Raises SpecError for images that the network does not take."""
    try:
        to_tensor.check(first)
    except RecordError as error:
        rows, columns = first.shape[:2]
        raise SpecError(
            f"prepare: {error.detail}; the prepared images have {rows} x {columns} pixels: correct `prepare`, or "
            "choose another network"
        ) from None


def _check_parts(
    build: Callable[[Any], nn.Module], config: Any, shape: tuple[int, ...], source: TrainKeys, examples: int
) -> None:
    """Raises SpecError where so few images are shown at once that batch norm has nothing to take a mean of: told by a
    network without memory, before any step."""
    part = max(1, smallest_part(examples, source.fit, source.processes))
    with torch.device("meta"), torch.no_grad():
        network = build(config).train()
        try:
            network(torch.empty(part, *shape))
        except ValueError as error:
            raise SpecError(
                f"fit: parts of {counted(part, 'image')} are too few for the network ({error}): make fit.batch larger, "
                "fit.accumulate or processes smaller, or the images larger"
            ) from None


def _range_after(affine: Affine | None, train: Sequence[Ready]) -> tuple[float, float] | None:
    """What the network was made for, after all steps: None where images differ in it, or have no known one."""
    ranges = {ready.value_range for ready in train}
    if len(ranges) > 1 or not np.isfinite(next(iter(ranges))).all():
        return None
    return range_after(affine or Affine(), ranges.pop())


RECIPES = ImageRecipes()
"""What `job: train` takes of this room."""
