"""A MONAI bundle of a model on volumes: a folder, or one zip of it, as MONAI's model zoo writes them.

Read are `configs/metadata.json` (channels, their names, value range), `configs/inference.json` or `.yaml` (network,
preprocessing, inferer, postprocessing, where the weights lie) and the weights, `models/model.pt` by `weights_only` or
`model.safetensors`. Nothing is run: components are held against lists of what has an equal here, and what is not on
them is named.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from schemas.errors import SpecError
from schemas.loading import validate
from workers.contract import ModelCard, Placement
from workers.images.volumes.card import VolumeCard, in_settings
from workers.images.volumes.contract import VolumeFormat, VolumeModel
from workers.images.volumes.formats.monai.cleaning import cleaning_of
from workers.images.volumes.formats.monai.config import Component, Config
from workers.images.volumes.formats.monai.files import METADATA, BundleFiles, bundle_in, inference_of
from workers.images.volumes.formats.monai.inferers import windows_of
from workers.images.volumes.formats.monai.metadata import DataFormat, data_format
from workers.images.volumes.formats.monai.networks import BundleNetwork, network_of
from workers.images.volumes.formats.monai.postprocessing import After, after_of, with_way_back
from workers.images.volumes.formats.monai.preprocessing import Step, steps_of
from workers.images.volumes.formats.monai.weights import weights_of
from workers.images.volumes.formats.structures import from_channel_def, of_channels
from workers.models.head import Activation, Head, score_fields

_NETWORK = ("evaluator::network", "network", "network_def", "net")
_PREPROCESSING = ("dataset::transform", "preprocessing")
_POSTPROCESSING = ("evaluator::postprocessing", "postprocessing")
_INFERER = ("evaluator::inferer", "inferer")


class Bundle:
    """A MONAI bundle."""

    looks_for = "configs/metadata.json and configs/inference.json or .yaml of a MONAI bundle"

    def recognises(self, directory: Path) -> bool:
        """Whether there are the two configs, in the folder or in its one zip."""
        return bundle_in(directory) is not None

    def describe(self, directory: Path) -> ModelCard:
        """The card from the configs. Raises SpecError for what has no equal here, SecurityError for code."""
        files = bundle_in(directory)
        name = None if files is None else inference_of(files)
        if files is None or name is None:
            raise SpecError(f"{directory}: holds no MONAI bundle")
        config = Config(files.config(name), f"{files.where}/{name}", files.config)
        data = data_format(files.config(METADATA), f"{files.where}/{METADATA}")
        _check_engine(config)
        network = network_of(_component(config, _NETWORK), data)
        return _card(files, config, data, network)

    def load(self, directory: Path, card: ModelCard, placement: Placement) -> VolumeModel:
        """The network on its device. Raises SpecError where the weights do not fit it, SecurityError for a pickle."""
        from workers.images.volumes.formats.monai import bundle_loaded  # noqa: PLC0415 - imports torch, which the driver must not

        return bundle_loaded.load(directory, card, placement)


def _card(files: BundleFiles, config: Config, data: DataFormat, network: BundleNetwork) -> ModelCard:
    after = _after(config)
    where = f"{config.where}: postprocessing"
    steps = steps_of(_component(config, _PREPROCESSING), _key(config, ("image_key", "image"), "image"))
    if network.marks:
        steps = with_way_back(after, steps, where)
    head = Head(activation=after.activation, labels=_labels(data, network, config.where))
    more = _marks(config, after, head, where) if network.marks else {"labels": head.labels}
    card = validate(VolumeCard, {**_volume(config, network, after), **more}, config.where)
    return ModelCard(
        format="monai-bundle",
        outputs=() if network.marks else score_fields(head),
        prepare=steps,
        channels=card.channels,
        # The zoo often says so of a tensor that has no bounds, such as one of mean 0.
        value_range=data.image.bounds if _bounds(steps) else None,
        settings={
            "network": network.name,
            "settings": dict(network.settings),
            "weights": weights_of(files, config),
            **in_settings(card),
        },
    )


def _after(config: Config) -> After:
    found = next((name for name in _POSTPROCESSING if config.has(name)), None)
    return after_of(config.component(found) if found else None, _pred(config))


def _pred(config: Config) -> str:
    return _key(config, ("pred_key", "pred"), "pred")


def _volume(config: Config, network: BundleNetwork, after: After) -> Mapping[str, Any]:
    windows = windows_of(_component(config, _INFERER))
    return {
        "task": "segmentation" if network.marks else "classification",
        "channels": network.settings["in_channels"],
        "outputs": network.settings["num_outputs"],
        "activation": after.activation,
        "threshold": after.threshold,
        "windows": windows,
    }


def _marks(config: Config, after: After, head: Head, where: str) -> Mapping[str, Any]:
    activation = _decided(after, where)
    late = "back" in after.order and after.order.index("back") < _at(after, "activation")
    structures = of_channels(head.labels, activation, where)
    exclusive, outputs = activation != "sigmoid", len(head.labels)
    clean = cleaning_of(after.tidied, _pred(config), structures, outputs, exclusive=exclusive)
    return {"late": late, "structures": structures, "clean": clean}


def _decided(after: After, where: str) -> Activation:
    """How channels become labels: softmax and none by the largest, sigmoid by the threshold. Raises SpecError for
    another pair of activation and decision."""
    if after.argmax and after.activation != "sigmoid":
        return after.activation
    if after.marks and after.activation == "sigmoid":
        return "sigmoid"
    decision = "argmax" if after.argmax else "a threshold" if after.marks else "neither argmax nor threshold"
    raise SpecError(
        f"{where}: has activation {after.activation} and {decision}: labels need Activationsd softmax and AsDiscreted "
        "argmax, or sigmoid and a threshold: write them so"
    )


def _at(after: After, act: str) -> int:
    return after.order.index(act) if act in after.order else -1


def _labels(data: DataFormat, network: BundleNetwork, where: str) -> tuple[str, ...]:
    outputs = int(network.settings["num_outputs"])
    if not data.pred.channel_def and not network.marks:
        return tuple(str(at) for at in range(outputs))
    return from_channel_def(data.pred.channel_def, outputs, f"{where}: channel_def of pred in metadata.json")


def _bounds(steps: Sequence[Step]) -> bool:
    """Whether the last step on values says by itself between which they lie."""
    last = [step for step in steps if next(iter(step)) in ("scale_range", "percentile", "z_score", "clip")][-1:]
    return any(step.get("scale_range", {}).get("clip") for step in last)


def _check_engine(config: Config) -> None:
    """Raises SpecError for an evaluator that does something else than preprocessing, network and postprocessing."""
    given = config.raw.get("evaluator")
    if not isinstance(given, Mapping):
        return
    target = str(given.get("_target_", "")).rpartition(".")[2]
    own = sorted({"prepare_batch", "iteration_update", "non_blocking_inference"} & given.keys())
    if target != "SupervisedEvaluator" or own:
        what = f"{target} with {own[0]}" if own else repr(target)
        raise SpecError(f"{config.where}: evaluator {what} is not supported, only a plain SupervisedEvaluator")


def _component(config: Config, names: Sequence[str]) -> Component:
    name = next((one for one in names if config.has(one)), None)
    if name is None:
        raise SpecError(f"{config.where}: has none of {', '.join(names)}: a bundle of inference has one of them")
    return config.component(name)


def _key(config: Config, names: Sequence[str], default: str) -> str:
    """The key of a tensor in MONAI's dictionaries, which bundles give a name of their own."""
    for name in names:
        found = config.value(name) if config.has(name) else None
        if isinstance(found, str) and PurePosixPath(found).name == found:
            return found
    return default


FORMAT: VolumeFormat = Bundle()
