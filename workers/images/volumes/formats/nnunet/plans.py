"""`plans.json` of nnU-Net v2: one configuration of it, with what it inherits."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ConfigDict, Field

from schemas.errors import SpecError
from schemas.loading import validate
from workers.images.volumes.formats.lenient import Lenient
from workers.images.volumes.formats.nnunet.axes import Order, order_of

_RESAMPLING = "resample_data_or_seg_to_shape"


class Resampling(Lenient):
    """Parameters of nnU-Net's `resample_data_or_seg_to_shape`."""

    model_config = ConfigDict(extra="forbid")

    is_seg: Literal[False] = False
    order: Literal[0, 1, 3] = 3
    order_z: Literal[0] = 0
    force_separate_z: bool | None = None
    separate_z_anisotropy_threshold: float = Field(default=3.0, ge=1)


class Intensity(Lenient):
    """Intensities of the foreground in all training cases."""

    mean: float
    std: float
    percentile_00_5: float
    percentile_99_5: float


class Configuration(Lenient):
    """What of a configuration decides an answer. `architecture` is absent in plans of before nnU-Net 2.3."""

    patch_size: tuple[int, ...]
    spacing: tuple[float, ...]
    normalization_schemes: tuple[str, ...]
    use_mask_for_norm: tuple[bool, ...]
    preprocessor_name: Literal["DefaultPreprocessor"] = "DefaultPreprocessor"
    resampling_fn_data: str = _RESAMPLING
    resampling_fn_data_kwargs: Resampling = Resampling()
    resampling_fn_probabilities: str = _RESAMPLING
    resampling_fn_probabilities_kwargs: Resampling = Resampling(order=1)
    previous_stage: str | None = None
    architecture: dict[str, Any] | None = None


class _Plans(Lenient):
    transpose_forward: tuple[int, ...]
    image_reader_writer: str = "SimpleITKIO"
    label_manager: Literal["LabelManager"] = "LabelManager"
    foreground_intensity_properties_per_channel: dict[str, Intensity] = Field(default_factory=dict)
    foreground_intensity_properties_by_modality: dict[str, Intensity] = Field(default_factory=dict)


class Plans(Lenient):
    """One configuration and what holds for all of them. `raw` is the configuration as it stands there."""

    configuration: Configuration
    raw: dict[str, Any]
    order: Order
    intensities: dict[str, Intensity]
    reader: str


def plans_of(raw: Mapping[str, Any], name: str, where: str) -> Plans:
    """The plans for a configuration of three dimensions. Raises SpecError for what is not done here."""
    known = validate(_Plans, raw, where)
    chosen = _inherited(raw.get("configurations") or {}, name, where)
    found = validate(Configuration, chosen, f"{where}: configuration {name!r}")
    if len(found.patch_size) != 3:
        raise SpecError(
            f"{where}: configuration {name!r} is of two dimensions: take a model of 3d_fullres or 3d_lowres"
        )
    if found.previous_stage is not None:
        raise SpecError(
            f"{where}: configuration {name!r} is a cascade, which needs {found.previous_stage!r} before it: "
            "take a model of 3d_fullres or 3d_lowres"
        )
    for what in (found.resampling_fn_data, found.resampling_fn_probabilities):
        if what != _RESAMPLING:
            raise SpecError(f"{where}: configuration {name!r} resamples by {what!r}: only {_RESAMPLING} is known")
    if found.resampling_fn_probabilities_kwargs.order != 1:
        raise SpecError(f"{where}: configuration {name!r} resamples probabilities with another order than 1")
    intensities = known.foreground_intensity_properties_per_channel or known.foreground_intensity_properties_by_modality
    return Plans(
        configuration=found,
        raw=dict(chosen),
        order=order_of(known.transpose_forward, where),
        intensities=intensities,
        reader=known.image_reader_writer,
    )


def _inherited(configurations: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    """A configuration over those that it inherits from. Raises SpecError where one is not there, or inherits itself."""
    chain: list[Mapping[str, Any]] = []
    seen: list[str] = []
    wanted: Any = name
    while wanted is not None:
        if wanted in seen or not isinstance(configurations.get(wanted), Mapping):
            raise SpecError(f"{where}: configuration {wanted!r} is not there, or inherits from itself")
        seen.append(wanted)
        chain.append(configurations[wanted])
        wanted = configurations[wanted].get("inherits_from")
    return {key: value for one in reversed(chain) for key, value in one.items() if key != "inherits_from"}
