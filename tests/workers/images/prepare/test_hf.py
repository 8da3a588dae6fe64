from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow
from transformers import AutoImageProcessor
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.convnext.image_processing_pil_convnext import ConvNextImageProcessorPil
from transformers.models.deit.image_processing_pil_deit import DeiTImageProcessorPil
from transformers.models.efficientnet.image_processing_pil_efficientnet import EfficientNetImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from schemas.errors import SpecError
from tests.support.pictures import noise, picture
from workers.images.prepare.affine import apply_affine
from workers.images.prepare.hf import steps_from_config
from workers.images.prepare.hf_defaults import DEFAULTS
from workers.images.prepare.plan import run, split
from workers.images.steps import parse_steps

PROCESSORS = {
    "BitImageProcessor": BitImageProcessorPil,
    "CLIPImageProcessor": CLIPImageProcessorPil,
    "ConvNextImageProcessor": ConvNextImageProcessorPil,
    "DeiTImageProcessor": DeiTImageProcessorPil,
    "EfficientNetImageProcessor": EfficientNetImageProcessorPil,
    "SiglipImageProcessor": SiglipImageProcessorPil,
    "ViTImageProcessor": ViTImageProcessorPil,
}
SIZES = [(28, 28), (97, 61), (60, 130), (7, 250), (1, 1)]
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]

# (type, settings): what the processors are written with in practice, and the odd corners.
CASES: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in PROCESSORS),
    ("ViTImageProcessor", {"size": 64, "resample": 2}),
    ("ViTImageProcessor", {"size": {"height": 40, "width": 56}, "resample": 3, "image_mean": MEAN, "image_std": STD}),
    ("ViTImageProcessor", {"size": [30, 44], "resample": 0}),
    ("ViTImageProcessor", {"size": {"shortest_edge": 40, "longest_edge": 70}, "do_normalize": False}),
    ("ViTImageProcessor", {"size": {"shortest_edge": 33}, "do_center_crop": True, "crop_size": 48, "resample": 5}),
    ("ViTImageProcessor", {"do_resize": False, "do_rescale": False}),
    ("ViTImageProcessor", {"size": 32, "rescale_factor": 1 / 127.5, "image_mean": 1.0, "image_std": [1, 1, 1]}),
    ("DeiTImageProcessor", {"size": {"height": 73, "width": 73}, "crop_size": {"height": 64, "width": 64}}),
    ("DeiTImageProcessor", {"size": {"height": 32, "width": 32}, "crop_size": {"height": 41, "width": 47}}),
    ("BitImageProcessor", {"size": 70, "crop_size": 64, "image_mean": MEAN, "image_std": STD}),
    ("BitImageProcessor", {"size": {"shortest_edge": 256}, "crop_size": 224, "resample": 1, "do_convert_rgb": None}),
    (
        "ConvNextImageProcessor",
        {"size": {"shortest_edge": 64}, "crop_pct": 0.875, "image_mean": MEAN, "image_std": STD},
    ),
    ("ConvNextImageProcessor", {"size": 61, "crop_pct": 0.95, "resample": 2}),
    ("EfficientNetImageProcessor", {"size": 50, "image_mean": MEAN, "image_std": STD, "resample": 0}),
    (
        "EfficientNetImageProcessor",
        {"size": 50, "rescale_factor": 1 / 127.5, "rescale_offset": True, "include_top": False},
    ),
    ("EfficientNetImageProcessor", {"size": 50, "rescale_offset": True, "do_center_crop": True, "crop_size": 40}),
    ("EfficientNetImageProcessor", {"size": 50, "do_normalize": False, "image_std": STD}),
]


def _ours(config: dict[str, Any], pixels: NDArray[Any], channels: int | None = None) -> NDArray[Any]:
    """Host steps, then the affine as the device computes it; float32 (channels, rows, columns)."""
    host, affine = split(parse_steps(steps_from_config(config, channels)))
    prepared = run(host, picture(pixels))
    if config.get("do_resize", True):
        assert prepared.dtype == np.uint8, "8 bit images must travel as such"
    array = prepared if affine is None else apply_affine(prepared, affine)
    array = array[:, :, None] if array.ndim == 2 else array
    return array.transpose(2, 0, 1)


def _theirs(kind: str, settings: dict[str, Any], image: Pillow.Image) -> NDArray[Any]:
    processor = PROCESSORS[kind](**settings)
    return np.asarray(processor(images=[image])["pixel_values"][0])


@pytest.mark.parametrize(("kind", "settings"), CASES, ids=[f"{kind}-{i}" for i, (kind, _) in enumerate(CASES)])
@pytest.mark.parametrize("size", SIZES)
def test_rgb_and_grey_images_equal_the_pil_processor(
    kind: str, settings: dict[str, Any], size: tuple[int, int]
) -> None:
    config = {"image_processor_type": kind, **settings}
    colour, grey = noise(*size, 3), noise(*size, seed=1)
    for pixels in (colour, grey):
        expected = _theirs(kind, settings, Pillow.fromarray(pixels).convert("RGB"))
        # EfficientNet divides by the deviation twice, so that its values and their last bits are five times as large.
        relative = 1e-6 if kind == "EfficientNetImageProcessor" else 0
        np.testing.assert_allclose(_ours(config, pixels, channels=3), expected, rtol=relative, atol=1e-6)


@pytest.mark.parametrize("kind", ["ViTImageProcessor", "DeiTImageProcessor", "ConvNextImageProcessor"])
def test_a_model_of_one_channel_sees_grey_images_as_the_pil_processor_does(kind: str) -> None:
    size = {"shortest_edge": 48} if kind == "ConvNextImageProcessor" else {"height": 48, "width": 48}
    settings = {"size": size, "crop_size": 40, "image_mean": [0.45], "image_std": [0.2]}
    pixels = noise(90, 61)
    expected = _theirs(kind, settings, Pillow.fromarray(pixels))
    assert expected.shape[0] == 1
    np.testing.assert_allclose(_ours({"image_processor_type": kind, **settings}, pixels), expected, rtol=0, atol=1e-6)


def test_transparency_is_laid_on_white_where_the_processor_does() -> None:
    rgba = noise(50, 60, 4)
    expected = _theirs("BitImageProcessor", {"size": 32, "crop_size": 32}, Pillow.fromarray(rgba))
    ours = _ours({"image_processor_type": "BitImageProcessor", "size": 32, "crop_size": 32}, rgba)
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", PROCESSORS)
def test_what_a_processor_saves_reads_back_as_the_processor(kind: str, tmp_path: Any) -> None:
    PROCESSORS[kind]().save_pretrained(tmp_path)
    config = json.loads((tmp_path / "preprocessor_config.json").read_text())
    processor = AutoImageProcessor.from_pretrained(tmp_path, backend="pil")
    pixels = noise(80, 70, 3)
    expected = np.asarray(processor(images=[Pillow.fromarray(pixels)])["pixel_values"][0])
    np.testing.assert_allclose(_ours(config, pixels), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", PROCESSORS)
def test_our_defaults_are_the_processors_class_attributes(kind: str) -> None:
    for key, value in DEFAULTS[kind].items():
        theirs = getattr(PROCESSORS[kind], key, None)
        theirs = theirs if theirs is not None else False
        assert (list(theirs) if isinstance(theirs, list | tuple) else theirs) == (
            list(value) if isinstance(value, tuple) else value
        ), key


def test_older_and_faster_names_mean_the_same() -> None:
    plain = steps_from_config({"image_processor_type": "ViTImageProcessor"})
    assert steps_from_config({"image_processor_type": "ViTImageProcessorFast"}) == plain
    assert steps_from_config({"feature_extractor_type": "ViTFeatureExtractor"}) == plain
    assert steps_from_config({"image_processor": {"image_processor_type": "ViTImageProcessorPil"}}) == plain


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({}, "image_processor_type"),
        ({"image_processor_type": "SamImageProcessor"}, "SamImageProcessor"),
        ({"image_processor_type": "ViTImageProcesor"}, "did you mean 'ViTImageProcessor'"),
        ({"image_processor_type": "ViTImageProcessor", "do_pad": True}, "do_pad"),
        ({"image_processor_type": "ViTImageProcessor", "do_reduce_labels": True}, "do_reduce_labels"),
        ({"image_processor_type": "ViTImageProcessor", "crop_pct": 0.9}, "crop_pct"),
        ({"image_processor_type": "ViTImageProcessor", "auto_map": {"AutoImageProcessor": "x.Y"}}, "auto_map"),
        ({"image_processor_type": "ViTImageProcessor", "do_resize": "yes"}, "do_resize"),
        ({"image_processor_type": "ViTImageProcessor", "resample": 9}, "resample"),
        ({"image_processor_type": "ViTImageProcessor", "resample": "bilinear"}, "resample"),
        ({"image_processor_type": "ViTImageProcessor", "size": {"max_height": 3, "max_width": 4}}, "size"),
        ({"image_processor_type": "ViTImageProcessor", "size": {"shortest_edge": "9"}}, "size"),
        ({"image_processor_type": "ViTImageProcessor", "size": -1}, "size"),
        ({"image_processor_type": "ViTImageProcessor", "do_center_crop": True}, "crop_size"),
        ({"image_processor_type": "ViTImageProcessor", "image_mean": "high"}, "image_mean"),
        ({"image_processor_type": "ViTImageProcessor", "rescale_factor": [True]}, "rescale_factor"),
        ({"image_processor_type": "ConvNextImageProcessor", "size": {"height": 4, "width": 4}}, "shortest_edge"),
        ({"image_processor_type": "ConvNextImageProcessor", "size": 64, "crop_pct": 0}, "crop_pct"),
    ],
)
def test_what_cannot_be_reproduced_is_refused_by_name(config: dict[str, Any], named: str) -> None:
    with pytest.raises(SpecError, match=named):
        steps_from_config(config)
