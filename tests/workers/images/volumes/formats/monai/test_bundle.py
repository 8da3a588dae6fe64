"""Bundles as model zoo writes them: the card, the answers, and what is refused by name."""

from __future__ import annotations

import copy
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import save_file
from torch import nn

from schemas.errors import SecurityError, SpecError
from tests.support import monai_bundles as zoo
from workers.contract import Placement
from workers.images.volumes.card import volume_card
from workers.images.volumes.formats.monai.bundle import FORMAT
from workers.models.detect import describe

STEPS = (
    {"orient": {"axes": "RAS"}},
    {"resample": {"spacing": [1.5, 1.5, 2.0], "method": "linear"}},
    {"scale_range": {"low": 0.0, "high": 300.0, "output": [0.0, 1.0], "clip": True}},
)


def test_the_card_is_what_the_configs_say(tmp_path: Path) -> None:
    kind, card = describe(zoo.write(tmp_path, zoo.inference()), "images")
    assert (kind, card.format, card.channels, card.value_range) == ("monai-bundle", "monai-bundle", 1, (0, 1))
    assert card.prepare == STEPS
    volume = volume_card(card)
    assert volume is not None
    assert [(one.name, one.label, one.channel) for one in volume.structures] == [
        ("Anterior", 1, 1),
        ("Posterior", 2, 2),
    ]
    assert (volume.task, volume.outputs, volume.activation, volume.late) == ("segmentation", 3, "softmax", False)
    assert volume.windows is not None
    assert (volume.windows.roi, volume.windows.overlap, volume.windows.blend) == ((16,) * 3, (0.5,) * 3, "constant")


@pytest.mark.parametrize("how", ["folder", "safetensors", "yaml", "zip", "zip in a folder", "model key"])
def test_logits_are_those_of_the_network_however_the_bundle_is_packed(tmp_path: Path, how: str) -> None:
    state = zoo.unet().state_dict()
    root = zoo.write(tmp_path / "m", zoo.inference(), weights={"model": state} if how == "model key" else None)
    if how == "safetensors":
        (root / "models/model.pt").unlink()
        save_file(state, root / "models/model.safetensors")
    if how == "yaml":
        config = root / "configs/inference.json"
        config.with_suffix(".yaml").write_text(yaml.safe_dump(json.loads(config.read_text())))
        config.unlink()
    if how.startswith("zip"):
        top = "spleen/" if how.endswith("folder") else ""
        (tmp_path / "z").mkdir()
        with zipfile.ZipFile(tmp_path / "z/bundle.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for path in root.rglob("*.*"):
                archive.write(path, f"{top}{path.relative_to(root)}")
        root = tmp_path / "z"
    model = FORMAT.load(root, FORMAT.describe(root), Placement("cpu", 1))
    windows = torch.rand(2, 1, 16, 16, 16, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        torch.testing.assert_close(model.forward(windows), zoo.unet()(windows), rtol=0, atol=1e-6)


def test_a_network_of_several_inputs_is_refused(tmp_path: Path) -> None:
    meta = zoo.metadata()
    meta["network_data_format"]["inputs"]["guidance"] = {"num_channels": 1}
    with pytest.raises(SpecError, match="has image, guidance: only models of one tensor each"):
        FORMAT.describe(zoo.write(tmp_path, zoo.inference(), meta))


def changed(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(zoo.inference(**changes))


def with_step(step: dict[str, Any]) -> dict[str, Any]:
    return changed(preprocessing={"_target_": "Compose", "transforms": [*zoo.PREPROCESSING[:2], step]})


def after(*transforms: dict[str, Any]) -> dict[str, Any]:
    return changed(postprocessing={"_target_": "Compose", "transforms": list(transforms)})


SOFTMAX, INVERT, ARGMAX, SAVE = zoo.POSTPROCESSING
KEEP = {"_target_": "KeepLargestConnectedComponentd", "keys": "pred", "applied_labels": [1, 2]}
FILL = {"_target_": "FillHolesd", "keys": "pred"}
SMALL = {"_target_": "RemoveSmallObjectsd", "keys": "pred"}


def tidied(transform: dict[str, Any], **more: Any) -> dict[str, Any]:
    return after(SOFTMAX, INVERT, ARGMAX, {**transform, **more}, SAVE)


REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    (with_step({"_target_": "RandFlipd", "keys": "image"}), SpecError, "transform 'RandFlipd' has no equal here"),
    (with_step({"_target_": "Lambdad", "keys": "image", "func": 1}), SecurityError, "Lambdad is Python code"),
    (
        with_step({"_target_": "Lambdad", "keys": "image", "func": "$lambda x: x"}),
        SecurityError,
        r"preprocessing::transforms::2: Lambdad is Python code, which is not run: use a transform of MONAI",
    ),
    (with_step({"_target_": "scripts.Mine", "keys": "image"}), SecurityError, "'scripts.Mine' is code of the bun"),
    (
        with_step({"_target_": "Spacingd", "keys": "image", "pixdim": [1, 1, 1], "diagonal": True}),
        SpecError,
        "diagonal True is not supported, only False",
    ),
    (
        with_step({"_target_": "Spacingd", "keys": "image", "pixdim": [1, 1, 1], "mode": "bicubic"}),
        SpecError,
        "mode 'bicubic' is not supported",
    ),
    (
        with_step({"_target_": "ScaleIntensityd", "keys": "image", "gamma": 2}),
        SpecError,
        "ScaleIntensityd with gamma is not supported",
    ),
    (changed(inferer={"_target_": "SliceInferer", "roi_size": [8, 8]}), SpecError, "inferer 'SliceInferer' is not"),
    (
        changed(inferer={**zoo.SLIDING, "process_fn": 1}),
        SpecError,
        "SlidingWindowInferer with process_fn is not supported",
    ),
    (
        changed(network_def={**zoo.UNET, "_target_": "VISTA3D"}),
        SpecError,
        "network 'VISTA3D' is not known: save it",
    ),
    (changed(network_def={**zoo.UNET, "spatial_dims": 2}), SpecError, "images of two dimensions"),
    (after(SOFTMAX, ARGMAX), SpecError, "no Invertd, so that labels would stay on the prepared grid"),
    (after(SOFTMAX, ARGMAX, INVERT), SpecError, "interpolates between labels"),
    (after(SOFTMAX, INVERT), SpecError, "neither argmax nor threshold"),
    (after(SOFTMAX, INVERT, {**ARGMAX, "argmax": False, "threshold": 0.5}), SpecError, "softmax and a threshold"),
    (
        after(SOFTMAX, INVERT, ARGMAX, {"_target_": "Lambdad", "keys": "pred", "func": "$lambda x: x"}),
        SecurityError,
        "Lambdad is Python code, which is not run: leave it out",
    ),
    (after(SOFTMAX, KEEP, INVERT, ARGMAX), SpecError, "KeepLargestConnectedComponentd stands before AsDiscreted"),
    (
        after(SOFTMAX, ARGMAX, KEEP, {**INVERT, "nearest_interp": True}),
        SpecError,
        "KeepLargestConnectedComponentd stands before Invertd, on the prepared grid",
    ),
    (tidied(KEEP, independent=False), SpecError, "takes several labels together"),
    (tidied(KEEP, num_components=2), SpecError, "num_components 2 is not supported, only 1"),
    (tidied(KEEP, connectivity=1), SpecError, "connectivity 1 is not supported, only None or 3"),
    (tidied(KEEP, is_onehot=True), SpecError, "is_onehot True is not supported"),
    (tidied(KEEP, applied_labels=[1, 7]), SpecError, "names 7, which marks no structure"),
    (tidied(FILL), SpecError, "FillHolesd overwrites structures that another one encloses.*step: fill_holes"),
    (tidied(SMALL), SpecError, "RemoveSmallObjectsd counts all voxels of a label where there are several"),
    (tidied(SMALL, weird=1), SpecError, "RemoveSmallObjectsd"),
    (changed(evaluator={"_target_": "scripts.Mine"}), SpecError, "evaluator 'Mine' is not supported"),
    (changed(preprocessing="@nothing"), SpecError, "there is no 'nothing'"),
    (
        changed(checkpointloader={"_target_": "CheckpointLoader", "load_path": "$os.environ['X']"}),
        SecurityError,
        "is Python code",
    ),
    (
        changed(checkpointloader={"_target_": "CheckpointLoader", "load_path": "../model.pt"}),
        SecurityError,
        "outside the model directory",
    ),
    (
        changed(checkpointloader={"_target_": "CheckpointLoader", "load_path": "./models/model.ts"}),
        SecurityError,
        "TorchScript, a program, which is not run: save the weights alone",
    ),
    (
        changed(checkpointloader={"_target_": "CheckpointLoader", "load_path": "./models/other.pt"}),
        SpecError,
        "holds no weights",
    ),
]


@pytest.mark.parametrize(("config", "error", "said"), REFUSED)
def test_what_has_no_equal_is_named_before_anything_is_loaded(
    tmp_path: Path, config: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        FORMAT.describe(zoo.write(tmp_path, config))


@pytest.mark.parametrize(
    ("pred", "said"),
    [
        ({"channel_def": {"0": "background", "1": "a"}}, "must name each of the 3 channels"),
        ({"channel_def": {"0": "a", "1": "b", "2": "c"}}, "the first is 'background'"),
        ({"num_channels": 0}, "num_channels: must be at least 1"),
    ],
)
def test_metadata_that_does_not_fit_is_told(tmp_path: Path, pred: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        FORMAT.describe(zoo.write(tmp_path, zoo.inference(), zoo.metadata(**pred)))


@pytest.mark.parametrize("what", ["module", "script", "text", "other network"])
def test_weights_that_are_code_or_of_another_network_are_refused_when_they_are_loaded(
    tmp_path: Path, what: str
) -> None:
    root = zoo.write(tmp_path, zoo.inference())
    path = root / "models/model.pt"
    expected: tuple[type[Exception], str] = (SpecError, "not a checkpoint")
    if what == "module":
        torch.save(nn.Conv3d(1, 1, 1), path)
        expected = (SecurityError, "pickle of more than tensors.*save its tensors alone")
    elif what == "script":
        torch.jit.save(torch.jit.script(nn.Conv3d(1, 1, 1)), str(path))
        expected = (SecurityError, "TorchScript, a program")
    elif what == "text":
        path.write_text("version https://git-lfs.github.com/spec/v1")
    else:
        torch.save(nn.Conv3d(1, 1, 1).state_dict(), path)
        expected = (SpecError, "does not fit the network: missing: ")
    with pytest.raises(expected[0], match=expected[1]):
        FORMAT.load(root, FORMAT.describe(root), Placement("cpu", 1))


def test_labels_that_go_back_by_the_nearest_voxel_are_a_setting_of_the_step(tmp_path: Path) -> None:
    nearest = {**INVERT, "nearest_interp": True}
    for order in ((SOFTMAX, ARGMAX, nearest), (SOFTMAX, nearest, ARGMAX)):
        card = FORMAT.describe(zoo.write(tmp_path, after(*order)))
        assert card.prepare[1]["resample"]["back"] == "nearest"


def test_regions_that_overlap_are_marked_by_their_threshold(tmp_path: Path) -> None:
    sigmoid = {"_target_": "Activationsd", "keys": "pred", "sigmoid": True}
    threshold = {"_target_": "AsDiscreted", "keys": "pred", "threshold": 0.4}
    meta = zoo.metadata(channel_def={"0": "Tumor core", "1": "Whole tumor", "2": "Enhancing tumor"})
    for order, late in (((sigmoid, INVERT, threshold, SAVE), False), ((INVERT, sigmoid, threshold, SAVE), True)):
        volume = volume_card(FORMAT.describe(zoo.write(tmp_path, after(*order), meta)))
        assert volume is not None
        assert (volume.activation, volume.threshold, volume.late) == ("sigmoid", 0.4, late)
        assert [(one.name, one.label) for one in volume.structures] == [
            ("Tumor_core", 1),
            ("Whole_tumor", 2),
            ("Enhancing_tumor", 3),
        ]


def test_a_classification_tells_its_labels(tmp_path: Path) -> None:
    config = changed(
        network_def={
            "_target_": "monai.networks.nets.DenseNet121",
            "spatial_dims": 3,
            "in_channels": 1,
            "out_channels": 2,
        },
        inferer={"_target_": "SimpleInferer"},
        postprocessing={"_target_": "Compose", "transforms": [SOFTMAX]},
    )
    meta = zoo.metadata(num_channels=2, channel_def={"0": "Healthy", "1": "Ill"})
    card = FORMAT.describe(zoo.write(tmp_path, config, meta))
    assert [one.name for one in card.outputs] == ["score_healthy", "score_ill"]
    volume = volume_card(card)
    assert volume is not None
    assert (volume.task, volume.windows, volume.labels) == ("classification", None, ("Healthy", "Ill"))


@pytest.mark.parametrize(("given", "expected"), [([0, 1], (0, 1)), ([], None), ([0, 1, 2], None), ([1, 0], None)])
def test_a_range_of_values_is_told_where_it_is_one(
    tmp_path: Path, given: list[float], expected: tuple[float, float] | None
) -> None:
    meta = zoo.metadata(value_range=[0, 1, 2])
    meta["network_data_format"]["inputs"]["image"]["value_range"] = given
    assert FORMAT.describe(zoo.write(tmp_path, zoo.inference(), meta)).value_range == expected
