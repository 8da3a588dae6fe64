"""A folder of a model that nnU-Net v2 trained, `DATASET/nnUNetTrainer__nnUNetPlans__3d_fullres/`.

    plans.json, dataset.json, fold_0/checkpoint_final.pth, fold_1/...

Answers are those of `nnUNetv2_predict` with its defaults: all folds, the mean of their logits, mirroring along the axes
that the checkpoint allows, windows of half a patch with nnU-Net's Gaussian, preprocessing as the plans say. Isensee et
al., "nnU-Net: a self-configuring method for deep learning-based biomedical image segmentation", Nature Methods 2021.
"""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from schemas.errors import SpecError, UsageError
from schemas.loading import validate
from workers.contract import ModelCard, Placement
from workers.images.volumes.card import VolumeCard, in_settings
from workers.images.volumes.contract import VolumeFormat, VolumeModel
from workers.images.volumes.formats.nnunet.architecture import architecture_of
from workers.images.volumes.formats.nnunet.axes import ours
from workers.images.volumes.formats.nnunet.facts import Facts, read_facts
from workers.images.volumes.formats.nnunet.labels import Labels, labels_of
from workers.images.volumes.formats.nnunet.plans import Plans, plans_of
from workers.images.volumes.formats.nnunet.steps import steps_of
from workers.models.files import read_json

_PACKAGE = "dynamic_network_architectures"
_FINAL = "checkpoint_final.pth"
_FOLD = re.compile(r"^fold_(\d+|all)$")
_TRAINERS = re.compile(
    r"^nnUNetTrainer(?:_?(?:Benchmark|\d+ep(?:och)?s?|noDataLoading|onlyMirror01|NoMirroring|DA5|(?:Seg)?ord0|DASegOrd0|"
    r"NoDA|noDummy2DDA|CELoss|DiceLoss|DiceCELoss|noSmooth|(?:Dice)?Top[kK]10Loss|LS01|CosAnneal|warmup|"
    r"NoDeepSupervision|(?:Vanilla)?Adam|Adan|\d+en\d|probabilisticOversampling|0\d\d))*$"
)
"""Trainers of nnU-Net's own that build the network of the plans."""


class NnunetFolder:
    """A trained model of nnU-Net v2."""

    looks_for = "plans.json, dataset.json and fold_*/checkpoint_final.pth of nnU-Net v2"

    def recognises(self, directory: Path) -> bool:
        """Whether there are plans, a dataset and a fold."""
        has = (directory / "plans.json").is_file() and (directory / "dataset.json").is_file()
        return has and any(_FOLD.match(one.name) for one in directory.iterdir() if one.is_dir())

    def describe(self, directory: Path) -> ModelCard:
        """The card from plans, dataset and what the first checkpoint says of itself.

        Raises SpecError for what is not done here, SecurityError for a checkpoint with more than tensors and numbers.
        """
        weights = _weights(directory)
        facts = [read_facts(directory / name) for name in weights]
        if any(one != facts[0] for one in facts):
            raise SpecError(f"{directory}: folds are of different trainers, configurations or mirrorings")
        if not _TRAINERS.match(facts[0].trainer):
            raise SpecError(
                f"{directory}: trainer {facts[0].trainer!r} may build another network than the plans say: write the "
                "model as a wardround-volume-model, or as ONNX (docs/models.md)"
            )
        where = str(directory / "plans.json")
        plans = plans_of(read_json(directory / "plans.json"), facts[0].configuration, where)
        labels = labels_of(read_json(directory / "dataset.json"), str(directory / "dataset.json"))
        volume = validate(VolumeCard, _volume(plans, labels, facts[0]), where)
        return ModelCard(
            format="nnunet",
            outputs=(),
            prepare=steps_of(plans, where),
            channels=volume.channels,
            settings={
                "architecture": architecture_of(plans.raw, where),
                "order": list(plans.order),
                "weights": list(weights),
                "mean": "logits",
                **in_settings(volume),
            },
        )

    def load(self, directory: Path, card: ModelCard, placement: Placement) -> VolumeModel:
        """The networks of all folds on their device. Raises SpecError where weights do not fit the plans, UsageError
        without the package that has nnU-Net's networks."""
        if find_spec(_PACKAGE) is None:
            raise UsageError(
                f"package {_PACKAGE!r}, which has nnU-Net's networks, is not installed: pip install --no-deps "
                "dynamic-network-architectures"
            )
        from workers.images.volumes.formats.nnunet import folder_loaded  # noqa: PLC0415 - imports torch, which the driver must not

        return folder_loaded.load(directory, card, placement)


def _weights(directory: Path) -> tuple[str, ...]:
    """Checkpoints of all folds, or of `fold_all` where there is nothing else, as nnU-Net chooses them."""
    folds = sorted(one.name for one in directory.iterdir() if _FOLD.match(one.name) and (one / _FINAL).is_file())
    chosen = [one for one in folds if one != "fold_all"] or folds
    if not chosen:
        raise SpecError(f"{directory}: no fold has a {_FINAL}: the training did not end, or only others were copied")
    return tuple(f"{one}/{_FINAL}" for one in chosen)


def _volume(plans: Plans, labels: Labels, facts: Facts) -> dict[str, Any]:
    configuration, order = plans.configuration, plans.order
    return {
        "task": "segmentation",
        "channels": len(configuration.normalization_schemes),
        "outputs": labels.outputs,
        # The largest probability is the largest logit; nnU-Net interpolates logits.
        "activation": "sigmoid" if labels.overlap else "none",
        "late": labels.overlap,
        "structures": labels.structures,
        "windows": {
            "roi": ours(configuration.patch_size, order),
            "overlap": 0.5,
            "steps": "nnunet",
            "blend": "nnunet",
            "mirror": sorted(order[axis] for axis in facts.mirror),
        },
    }


FORMAT: VolumeFormat = NnunetFolder()
