"""Transforms of MONAI before the network, as our prepare steps of volumes.

Each is a function from the settings of a transform to the steps that equal it; `TRANSFORMS` names them by the class
without its `d`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from schemas.errors import SecurityError, SpecError
from workers.images.volumes.formats.monai.arguments import Arguments, keys_of
from workers.images.volumes.formats.monai.config import Component

Step = dict[str, dict[str, Any]]
_ALIASES = ("Dict", "D", "d")
_METHODS = {"bilinear": "linear", "trilinear": "linear", "linear": "linear", "nearest": "nearest", 3: "spline"}
_SIZED = {
    "area": "area",
    "trilinear": "linear",
    "bilinear": "linear",
    "linear": "linear",
    "nearest": "nearest",
    "nearest-exact": "nearest_exact",
}
_OF_TENSORS = ("dtype", "device", "data_type", "wrap_sequence", "track_meta", "allow_missing_keys", "lazy")


def steps_of(preprocessing: Component, image: str) -> tuple[Step, ...]:
    """The steps of a `Compose` for the key of the image; transforms of other keys (a label) are passed over.

    Raises SpecError for what has no equal, SecurityError for code.
    """
    ours = [one for one in transforms_of(preprocessing) if image in keys_of(one.settings)]
    return tuple(step for one in ours for step in _steps(one, image))


def transforms_of(compose: Component) -> Iterable[Component]:
    """Those of a `Compose`, one in another too. Raises SpecError where it is none."""
    if compose.target != "Compose":
        raise SpecError(f"{compose.where}: must be a Compose, not {compose.target}")
    for one in compose.settings.get("transforms") or ():
        if not isinstance(one, Component):
            raise SpecError(f"{compose.where}: holds something that is no transform")
        yield from transforms_of(one) if one.target == "Compose" else [one]


def base_name(target: str) -> str:
    """`Spacing` of `Spacingd`, `SpacingD` and `SpacingDict`."""
    return next((target.removesuffix(one) for one in _ALIASES if target.endswith(one)), target)


def _steps(one: Component, image: str) -> list[Step]:
    name = base_name(one.target)
    if name == "Lambda":
        raise SecurityError(f"{one.where}: {one.target} is Python code, which is not run: use a transform of MONAI")
    if name not in TRANSFORMS:
        raise SpecError(
            f"{one.where}: transform {one.target!r} has no equal here: leave it out, or write the model as a "
            f"wardround-volume-model (docs/models.md). Known: {', '.join(f'{known}d' for known in sorted(TRANSFORMS))}"
        )
    given = Arguments(one, image)
    given.drop("keys", *_OF_TENSORS)
    found = TRANSFORMS[name](given)
    given.done()
    return found


def _load(given: Arguments) -> list[Step]:
    given.drop("reader", "image_only", "ensure_channel_first", "simple_keys", "meta_keys", "meta_key_postfix")
    given.drop("overwriting", "prune_meta_pattern", "prune_meta_sep", "expanduser", "affine_lps_to_ras")
    return []


def _channel_first(given: Arguments) -> list[Step]:
    given.drop("strict_check", "meta_keys", "meta_key_postfix")
    given.only("channel_dim", None, "no_channel", -1, 3)
    return []


def _nothing(_: Arguments) -> list[Step]:
    return []


def _orientation(given: Arguments) -> list[Step]:
    given.only("labels", None, [["L", "R"], ["P", "A"], ["I", "S"]])
    closest = given.truth("as_closest_canonical", False)
    axes = given.word("axcodes", "RAS" if closest else None)
    if not isinstance(axes, str):
        raise SpecError(f"{given.where}: {given.target} needs axcodes of three letters")
    return [{"orient": {"axes": axes}}]


def _spacing(given: Arguments) -> list[Step]:
    given.only("diagonal", False)
    given.only("scale_extent", False)
    given.only("padding_mode", "border", ["border"])
    for name in ("min_pixdim", "max_pixdim"):
        given.only(name, None)
    given.drop("recompute_affine", "ensure_same_shape")
    pixdim = given.take("pixdim")
    several = list(pixdim) if isinstance(pixdim, list | tuple) else [pixdim]
    if not several or not all(isinstance(one, int | float) and not isinstance(one, bool) for one in several):
        raise SpecError(f"{given.where}: {given.target} with pixdim {pixdim!r}: must be numbers")
    # MONAI repeats the last, and takes what is not positive for the axis as it is.
    spacing = [max(0.0, float(one)) for one in [*several, *[several[-1]] * 3][:3]]
    settings: dict[str, Any] = {"spacing": spacing, "method": _one_of(_METHODS, given, "mode", "bilinear")}
    if given.truth("align_corners", False):
        settings["align_corners"] = True
    return [{"resample": settings}]


def _scale_range(given: Arguments) -> list[Step]:
    low, high = given.number("a_min"), given.number("a_max")
    output = _output(given, "b_min", "b_max", None)
    clip = given.truth("clip", False)
    return [{"scale_range": {"low": low, "high": high, "output": output, "clip": clip}}]


def _scale(given: Arguments) -> list[Step]:
    given.only("factor", None)
    wise = given.truth("channel_wise", False)
    output = _output(given, "minv", "maxv", (0.0, 1.0))
    if output is None:
        raise SpecError(f"{given.where}: {given.target} without minv and maxv is not supported")
    return [{"percentile": {"low": 0.0, "high": 100.0, "output": output, "channel_wise": wise}}]


def _percentiles(given: Arguments) -> list[Step]:
    settings = {
        "low": given.number("lower"),
        "high": given.number("upper"),
        "output": _output(given, "b_min", "b_max", None),
        "clip": given.truth("clip", False),
        "relative": given.truth("relative", False),
        "channel_wise": given.truth("channel_wise", False),
    }
    return [{"percentile": settings}]


def _normalise(given: Arguments) -> list[Step]:
    wise = given.truth("channel_wise", False)
    settings: dict[str, Any] = {"nonzero": given.truth("nonzero", False), "channel_wise": wise}
    for theirs, ours in (("subtrahend", "mean"), ("divisor", "std")):
        found = given.take(theirs, None)
        if found is not None:
            settings[ours] = list(found) if isinstance(found, list | tuple) else [found]
    return [{"z_score": settings}]


def _clip_percentiles(given: Arguments) -> list[Step]:
    given.only("sharpness_factor", None)
    given.only("return_clipping_values", False)
    low, high, wise = given.number("lower"), given.number("upper"), given.truth("channel_wise", False)
    bounds = {"low": 0.0 if low is None else low, "high": 100.0 if high is None else high}
    return [{"clip": {**bounds, "percentiles": True, "channel_wise": wise}}]


def _crop_foreground(given: Arguments) -> list[Step]:
    given.only("select_fn", "is_positive")
    given.drop("source_key", "mode", "start_coord_key", "end_coord_key")
    channels = given.take("channel_indices", None)
    settings: dict[str, Any] = {
        "margin": given.sides("margin", 0),
        "allow_smaller": given.truth("allow_smaller", False),
        "multiple_of": [max(1, one) for one in given.sides("k_divisible", 1)],
    }
    if channels is not None:
        settings["channels"] = list(channels) if isinstance(channels, list | tuple) else [channels]
    return [{"crop_foreground": settings}]


def _pad_to(given: Arguments) -> list[Step]:
    return [{"pad": {"to": given.sides("spatial_size"), **_padding(given)}}]


def _pad_multiple(given: Arguments) -> list[Step]:
    return [{"pad": {"multiple_of": given.sides("k"), **_padding(given)}}]


def _centre_crop(given: Arguments) -> list[Step]:
    return [{"crop": {"size": given.sides("roi_size")}}]


def _pad_or_crop(given: Arguments) -> list[Step]:
    size = given.sides("spatial_size")
    return [{"pad": {"to": size, **_padding(given)}}, {"crop": {"size": size}}]


def _resize(given: Arguments) -> list[Step]:
    given.only("anti_aliasing", False, None)
    given.drop("anti_aliasing_sigma")
    method = _one_of(_SIZED, given, "mode", "area")
    settings: dict[str, Any] = {"method": method}
    if given.truth("align_corners", False) and method == "linear":
        settings["align_corners"] = True
    if given.word("size_mode", "all") == "longest":
        return [{"resize": {"longest": given.take("spatial_size"), **settings}}]
    return [{"resize": {"size": given.sides("spatial_size"), **settings}}]


def _padding(given: Arguments) -> dict[str, Any]:
    modes = {"constant": "constant", "edge": "edge", "replicate": "edge", "reflect": "reflect"}
    ends = {"symmetric": "symmetric", "end": "end"}
    found: dict[str, Any] = {"mode": _one_of(modes, given, "mode", "constant")}
    found["at"] = _one_of(ends, given, "method", "symmetric")
    value = given.number("constant_values", given.take("value", 0.0))
    return {**found, "value": value} if value else found


def _output(given: Arguments, low: str, high: str, default: tuple[float, float] | None) -> list[float] | None:
    ends = [given.number(name, None if default is None else default[at]) for at, name in enumerate((low, high))]
    if ends[0] is None or ends[1] is None:
        return None
    return [ends[0], ends[1]]


def _one_of(known: Mapping[Any, str], given: Arguments, name: str, default: str) -> str:
    found = given.word(name, default)
    if found not in known:
        words = ", ".join(repr(one) for one in known)
        raise SpecError(f"{given.where}: {given.target} with {name} {found!r} is not supported, only {words}")
    return known[found]


TRANSFORMS: Mapping[str, Callable[[Arguments], list[Step]]] = {
    "LoadImage": _load,
    "EnsureChannelFirst": _channel_first,
    "AddChannel": _channel_first,
    "EnsureType": _nothing,
    "ToTensor": _nothing,
    "CastToType": _nothing,
    "Orientation": _orientation,
    "Spacing": _spacing,
    "ScaleIntensityRange": _scale_range,
    "ScaleIntensity": _scale,
    "ScaleIntensityRangePercentiles": _percentiles,
    "ClipIntensityPercentiles": _clip_percentiles,
    "NormalizeIntensity": _normalise,
    "CropForeground": _crop_foreground,
    "SpatialPad": _pad_to,
    "DivisiblePad": _pad_multiple,
    "CenterSpatialCrop": _centre_crop,
    "ResizeWithPadOrCrop": _pad_or_crop,
    "Resize": _resize,
}
