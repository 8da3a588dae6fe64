"""What transformers' PIL image processors take for a key that their config leaves out (transformers 5)."""

from collections.abc import Mapping
from typing import Any

RESAMPLE = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "cubic", 4: "area", 5: "hamming"}
"""Pillow's numbers of its filters, as methods of the step `resize`."""

_HALF = (0.5, 0.5, 0.5)
_CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
_CLIP_STD = (0.26862954, 0.26130258, 0.27577711)

_COMMON: Mapping[str, Any] = {
    "do_resize": True,
    "do_center_crop": False,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "do_convert_rgb": False,
    "default_to_square": True,
    "image_mean": _HALF,
    "image_std": _HALF,
    "resample": 3,
}
_CLIP: Mapping[str, Any] = {
    **_COMMON,
    "size": {"shortest_edge": 224},
    "default_to_square": False,
    "do_center_crop": True,
    "crop_size": {"height": 224, "width": 224},
    "image_mean": _CLIP_MEAN,
    "image_std": _CLIP_STD,
    "do_convert_rgb": True,
}

DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "BitImageProcessor": _CLIP,
    "CLIPImageProcessor": _CLIP,
    "ConvNextImageProcessor": {
        **_COMMON,
        "size": {"shortest_edge": 384},
        "default_to_square": False,
        "crop_pct": 224 / 256,
    },
    "DeiTImageProcessor": {
        **_COMMON,
        "size": {"height": 256, "width": 256},
        "do_center_crop": True,
        "crop_size": {"height": 224, "width": 224},
    },
    "EfficientNetImageProcessor": {
        **_COMMON,
        "size": {"height": 346, "width": 346},
        "crop_size": {"height": 289, "width": 289},
        "rescale_offset": False,
        "include_top": True,
    },
    "SiglipImageProcessor": {
        **_COMMON,
        "size": {"height": 224, "width": 224},
        "default_to_square": False,
        "do_convert_rgb": True,
    },
    "ViTImageProcessor": {**_COMMON, "size": {"height": 224, "width": 224}, "resample": 2},
}
"""Defaults by processor type, after the class attributes of the same names."""

KEYS = frozenset({*_COMMON, "size", "crop_size"})
"""Keys that every processor takes, besides those among its defaults."""

FLAGS = frozenset(
    {"do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_convert_rgb", "default_to_square",
     "rescale_offset", "include_top"}
)  # fmt: skip

IGNORED = frozenset(
    {
        "image_processor_type",
        "feature_extractor_type",
        "processor_class",
        "transformers_version",
        "data_format",
        "input_data_format",
        "return_tensors",
        "device",
        "disable_grouping",
    }
)
"""Keys without influence on the numbers: names, and the layout and place of the result."""
