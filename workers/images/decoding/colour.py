"""YBR to RGB."""

import numpy as np
from pydicom.pixels.processing import convert_color_space

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Array
from workers.images.decoding.pixel_module import PixelModule

_YBR = ("YBR_FULL", "YBR_FULL_422")


def as_rgb(samples: Array, module: PixelModule, *, is_codestream: bool) -> Array:
    """(rows, columns, 3) in RGB; grey as it is.

    PhotometricInterpretation says what the decoded samples are, as gdcm and dcmtk have it, whatever a JPEG's own JFIF
    or Adobe segment or the names of its components say. The transform of a JPEG 2000 (YBR_ICT, YBR_RCT) was undone by
    its decoder. Raises RecordError (unsupported).
    """
    if not is_codestream and module.photometric in ("YBR_ICT", "YBR_RCT"):
        raise RecordError(Status.UNSUPPORTED, "its colours are of a compression that it does not have")
    if module.photometric not in _YBR:
        return samples
    if samples.dtype != np.uint8:
        raise RecordError(Status.UNSUPPORTED, "YBR with more than 8 bits has no conversion to RGB")
    rgb: Array = convert_color_space(np.ascontiguousarray(samples), "YBR_FULL", "RGB")
    return rgb
