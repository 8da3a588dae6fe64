"""Preprocessing of nnU-Net's plans as our prepare steps of volumes."""

from typing import Any

from schemas.errors import SpecError
from workers.images.volumes.formats.nnunet.axes import ours
from workers.images.volumes.formats.nnunet.plans import Plans

Step = dict[str, dict[str, Any]]
_SCHEMES = {
    "ZScoreNormalization": "z_score",
    "CTNormalization": "ct",
    "NoNormalization": "none",
    "RescaleTo01Normalization": "rescale_to_01",
    "RGBTo01Normalization": "rgb_to_01",
}
_METHODS = {0: "nearest", 1: "linear", 3: "spline"}
_READERS = {"SimpleITKIO": False, "NibabelIO": False, "NibabelIOWithReorient": True, "SimpleITKIOWithReorient": True}
"""Whether nnU-Net turns images to RAS when it reads them."""


def steps_of(plans: Plans, where: str) -> tuple[Step, ...]:
    """Crop, normalise, resample: the order of nnU-Net's `DefaultPreprocessor`. Raises SpecError for what is unknown."""
    if plans.reader not in _READERS:
        raise SpecError(f"{where}: image_reader_writer {plans.reader!r} is not known, only {', '.join(_READERS)}")
    turned: list[Step] = [{"orient": {"axes": "RAS"}}] if _READERS[plans.reader] else []
    channels = [_channel(plans, at, where) for at in range(len(plans.configuration.normalization_schemes))]
    return (
        *turned,
        {"crop_foreground": {"select": "nonzero"}},
        {"nnunet_normalise": {"channels": channels}},
        {"resample": _resampling(plans)},
    )


def _resampling(plans: Plans) -> dict[str, Any]:
    given = plans.configuration.resampling_fn_data_kwargs
    found: dict[str, Any] = {
        "spacing": list(ours(plans.configuration.spacing, plans.order)),
        "like": "nnunet",
        "method": _METHODS[given.order],
    }
    if given.force_separate_z is not None:
        found["separate_z"] = given.force_separate_z
    if given.separate_z_anisotropy_threshold != 3:
        found["anisotropy"] = given.separate_z_anisotropy_threshold
    return found


def _channel(plans: Plans, at: int, where: str) -> dict[str, Any]:
    configuration = plans.configuration
    name = configuration.normalization_schemes[at]
    if name not in _SCHEMES:
        raise SpecError(f"{where}: normalisation {name!r} is not known, only {', '.join(_SCHEMES)}")
    scheme = _SCHEMES[name]
    if scheme == "ct":
        known = plans.intensities.get(str(at))
        if known is None:
            raise SpecError(
                f"{where}: CTNormalization of channel {at} needs its foreground intensities, which it lacks"
            )
        bounds = {"low": known.percentile_00_5, "high": known.percentile_99_5}
        return {"scheme": scheme, **bounds, "mean": known.mean, "std": known.std}
    masked = configuration.use_mask_for_norm[at] if at < len(configuration.use_mask_for_norm) else False
    return {"scheme": scheme, "masked": True} if masked and scheme == "z_score" else {"scheme": scheme}
