"""A Hugging Face `preprocessor_config.json` as prepare steps.

The steps equal the PIL image processors of transformers (`*ImageProcessorPil`, transformers 5) on 8 bit images: resize
by Pillow, centre crop, rescale, normalise. What those do in another way is refused by name, never guessed.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.errors import SpecError
from schemas.loading import nearest
from workers.images.prepare.hf_defaults import DEFAULTS, FLAGS, IGNORED, KEYS, RESAMPLE
from workers.images.prepare.image import Range

StepSpec = dict[str, Any]

_CONVNEXT_WARP_FROM = 384
_BITS = 8


def steps_from_config(config: Mapping[str, Any], channels: int | None = None) -> list[StepSpec]:
    """The `prepare` list of a processor's settings, which may also stand under `image_processor`.

    A model of three channels is given three, as transformers' pipelines do: grey is repeated, alpha dropped; with
    `do_convert_rgb` alpha is laid on white. `channels` are the model's (`num_channels` of its config.json); None: as
    many as the processor has means. Raises SpecError that names an unknown processor type, an
    unknown or unsupported key, or a value that makes no sense.
    """
    kind, settings = _settings(config)
    steps = [*_channels(settings, channels), *_resize(settings, kind)]
    if settings["do_center_crop"]:
        steps.append({"crop": {"size": _pair(settings.get("crop_size"), "crop_size")}})
    return [*steps, *_arithmetic(settings)]


def shown_range(config: Mapping[str, Any]) -> Range | None:
    """Smallest and largest value of the images that such a processor is shown; None where its settings do not say.

    8 bit, as Pillow's images have them, unless `rescale_factor` speaks of more; 0 to 1 where it only normalises, by
    means of at most 1.
    """
    _, settings = _settings(config)
    if settings["do_rescale"]:
        factor = _numbers(settings["rescale_factor"], "rescale_factor")[0]
        bits = round(math.log2(1 / factor)) if 0 < factor < 1 else _BITS
        return 0.0, float(2 ** max(_BITS, bits) - 1)
    if settings["do_normalize"] and max(_numbers(settings["image_mean"], "image_mean")) <= 1:
        return 0.0, 1.0
    return None


def _settings(config: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The processor's type, and its settings with all defaults. Raises SpecError for what is not known."""
    nested = config.get("image_processor")
    if isinstance(nested, Mapping):
        config = nested
    kind = _kind(config)
    _refuse_unknown(config, kind)
    return kind, {**DEFAULTS[kind], **{key: value for key, value in config.items() if value is not None}}


def _kind(config: Mapping[str, Any]) -> str:
    """The processor's type, without what names only its implementation: Fast, Pil, or the older FeatureExtractor."""
    written = config.get("image_processor_type") or config.get("feature_extractor_type")
    if not isinstance(written, str):
        raise SpecError("preprocessor_config.json has no image_processor_type: write the `prepare` steps in the spec")
    name = written.removesuffix("Fast").removesuffix("Pil").replace("FeatureExtractor", "ImageProcessor")
    if name not in DEFAULTS:
        raise SpecError(
            f"preprocessor_config.json: image_processor_type {written!r} is not supported"
            f"{nearest(name, DEFAULTS) or '.'} "
            f"Known: {', '.join(DEFAULTS)}; or write the `prepare` steps in the spec"
        )
    return name


def _refuse_unknown(config: Mapping[str, Any], kind: str) -> None:
    known = KEYS | set(DEFAULTS[kind])
    for key, value in config.items():
        if key in known or key in IGNORED or value is None or value is False:
            continue
        raise SpecError(
            f"preprocessor_config.json: {key!r} is not supported for {kind}{nearest(key, known) or '.'} "
            "Write the `prepare` steps in the spec"
        )
    for key in FLAGS & set(config):
        if not isinstance(config[key], bool | None):
            raise SpecError(f"preprocessor_config.json: {key!r} must be true or false")


def _channels(settings: Mapping[str, Any], channels: int | None) -> list[StepSpec]:
    if settings["do_convert_rgb"]:
        return [{"channels": {"to": 3, "alpha": "white"}}]
    if channels is None and settings["do_normalize"]:
        channels = len(_numbers(settings["image_mean"], "image_mean"))
    return [{"channels": {"to": 3}}] if channels == 3 else []


def _resize(settings: Mapping[str, Any], kind: str) -> list[StepSpec]:
    if not settings["do_resize"]:
        return []
    method = RESAMPLE.get(settings["resample"]) if isinstance(settings["resample"], int) else None
    if method is None:
        raise SpecError("preprocessor_config.json: 'resample' must be one of Pillow's filters, 0 to 5")
    how = {"method": method, "library": "pillow"}
    size = _size(settings["size"], square=settings["default_to_square"])
    if kind == "ConvNextImageProcessor":
        return _convnext_resize(size, settings["crop_pct"], how)
    return [{"resize": {**size, **how}}]


def _convnext_resize(size: StepSpec, crop_pct: Any, how: Mapping[str, str]) -> list[StepSpec]:
    """Below 384: larger by 1/crop_pct, then the middle; from 384 on both sides are forced to the edge."""
    edge = size.get("shortest_edge")
    if edge is None:
        raise SpecError("preprocessor_config.json: a ConvNext processor needs 'shortest_edge' in 'size'")
    if edge >= _CONVNEXT_WARP_FROM:
        return [{"resize": {"size": [edge, edge], **how}}]
    if not _is_number(crop_pct) or not 0 < crop_pct <= 1:
        raise SpecError("preprocessor_config.json: 'crop_pct' must be above 0 and at most 1")
    return [{"resize": {"shortest_edge": int(edge / crop_pct), **how}}, {"crop": {"size": [edge, edge]}}]


def _arithmetic(settings: Mapping[str, Any]) -> list[StepSpec]:
    """`rescale`, then one `standardise` for all that EfficientNet does in three: equal but for the last bits.

    One subtraction and one division in place of two each let 8 bit images travel to the device as they are.
    """
    steps: list[StepSpec] = []
    mean, std = [0.0], [1.0]
    if settings["do_rescale"]:
        steps.append({"rescale": {"factor": _numbers(settings["rescale_factor"], "rescale_factor")[0]}})
        if settings.get("rescale_offset"):
            mean = [1.0]
    if settings["do_normalize"]:
        mean = [offset + mean[0] for offset in _numbers(settings["image_mean"], "image_mean")]
        std = _numbers(settings["image_std"], "image_std")
    if settings.get("include_top"):
        std = [number * std[i % len(std)] for i, number in enumerate(_numbers(settings["image_std"], "image_std"))]
    if (mean, std) != ([0.0], [1.0]):
        steps.append({"standardise": {"mean": mean, "std": std}})
    return steps


def _size(size: Any, *, square: bool) -> StepSpec:
    """The sizes that transformers' `get_size_dict` knows, as settings of `resize`."""
    if _is_side(size) and not square:
        return {"shortest_edge": size}
    if isinstance(size, Mapping) and set(size) <= {"shortest_edge", "longest_edge"} and "shortest_edge" in size:
        edges = {key: value for key, value in size.items() if value is not None}
        if edges and all(_is_side(value) for value in edges.values()):
            return edges
    return {"size": _pair(size, "size")}


def _pair(size: Any, key: str) -> list[int]:
    if _is_side(size):
        return [size, size]
    if isinstance(size, Mapping) and set(size) == {"height", "width"}:
        size = [size["height"], size["width"]]
    if isinstance(size, Sequence) and len(size) == 2 and all(_is_side(side) for side in size):
        return list(size)
    raise SpecError(f"preprocessor_config.json: {key!r} must be height and width, or for 'size' shortest_edge")


def _numbers(value: Any, key: str) -> list[float]:
    values = value if isinstance(value, list | tuple) and value else [value]
    if not all(_is_number(number) for number in values):
        raise SpecError(f"preprocessor_config.json: {key!r} must be a number or a list of numbers")
    return [float(number) for number in values]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_side(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
