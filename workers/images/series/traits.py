"""By what slices at one place may be told apart, as their header says it."""

from typing import Any

from pydicom import Dataset
from pydicom.datadict import tag_for_keyword

from workers.images.series.attributes import number, text, value
from workers.images.series.diffusion import DIFFUSION_TAGS, private_diffusion
from workers.images.series.splitting import TRAITS
from workers.images.series.thinned import BETWEEN

_OTHER_NAMES = {
    "EffectiveEchoTime": "EchoTime",
    "InversionTimes": "InversionTime",
    "NominalCardiacTriggerDelayTime": "TriggerTime",
    "FrameAcquisitionNumber": "AcquisitionNumber",
    "FrameAcquisitionDateTime": "AcquisitionDateTime",
}
"""What functional groups call an attribute that single-frame objects have under another name."""
TRAIT_TAGS = (
    *(tag_for_keyword(trait.keyword) or 0 for trait in TRAITS),
    *(tag_for_keyword(keyword) or 0 for keyword in _OTHER_NAMES),
    *DIFFUSION_TAGS,
)


def traits_of(frame: Dataset) -> dict[str, Any]:
    """The values of all traits that the header has, the standard's own attributes before those of a vendor, and how far
    apart it says that slices lie."""
    found = {trait.keyword: value(frame, trait.keyword) for trait in TRAITS}
    for other, name in _OTHER_NAMES.items():
        if found.get(name) is None:
            found[name] = value(frame, other)
    if found["DiffusionBValue"] is None or found["DiffusionGradientOrientation"] is None:
        b_value, direction = private_diffusion(frame)
        if found["DiffusionBValue"] is None:
            found["DiffusionBValue"] = b_value
        if found["DiffusionGradientOrientation"] is None:
            found["DiffusionGradientOrientation"] = direction
    date, time = text(frame, "AcquisitionDate"), found["AcquisitionTime"]
    if found["AcquisitionDateTime"] is None and date and time:
        # A series may go on past midnight.
        found["AcquisitionDateTime"] = f"{date}{time}"
    found[BETWEEN] = number(frame, BETWEEN)
    return {name: one for name, one in found.items() if one is not None}
