"""What the host prepares and what is left to the device, and the run of the host's part."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Affine, Array
from workers.images.prepare.image import Image, Range, Step
from workers.images.prepare.rescale import Rescale
from workers.images.prepare.standardise import Standardise

_TRAVELLING = frozenset(np.dtype(name) for name in ("uint8", "int8", "uint16", "int16", "float32"))


def split(steps: Sequence[Step]) -> tuple[tuple[Step, ...], Affine | None]:
    """The steps for the host, and the last `rescale` and/or `standardise` as one affine for the device.

    Only what the affine computes in the very same operations is moved: `rescale`, `standardise`, or `rescale`
    followed by a `standardise` without a scale of its own. So images travel to the device in the type they have
    before, usually 8 or 16 bit.
    """
    head = tuple(steps)
    last = head[-1] if head else None
    if isinstance(last, Rescale):
        return head[:-1], last.affine()
    if not isinstance(last, Standardise):
        return head, None
    before = head[-2] if len(head) > 1 else None
    if isinstance(before, Rescale) and last.scale == 1.0:
        return head[:-2], Affine(before.factor, last.mean, last.std)
    return head[:-1], last.affine()


class Ready(NamedTuple):
    """Pixels as the host hands them to a model, and the range of values that they may have."""

    pixels: Array
    value_range: Range


def prepared(steps: Sequence[Step], image: Image) -> Ready:
    """The steps on one image: a C-contiguous array, (rows, columns) or (rows, columns, channels), and its range.

    dtypes other than uint8, int8, uint16, int16 and float32 become float32 at the end (bool uint8). Without steps the
    pixels themselves come back where they already are so. Raises RecordError (out_of_contract) where a step does, for
    an image without pixels, and for a result with NaN or an infinity.
    """
    for step in steps:
        image = step(image)
    pixels = image.pixels
    if pixels.size == 0:
        raise RecordError(Status.OUT_OF_CONTRACT, "the image has an axis of length 0")
    if pixels.dtype not in _TRAVELLING:
        pixels = _narrowed(pixels)
    if pixels.dtype == np.float32 and not np.isfinite(pixels).all():
        raise RecordError(Status.OUT_OF_CONTRACT, "the prepared image has NaN or infinite values")
    low, high = image.value_range
    return Ready(pixels if pixels.flags.c_contiguous else np.ascontiguousarray(pixels), (float(low), float(high)))


def run(steps: Sequence[Step], image: Image) -> Array:
    """The pixels of `prepared`."""
    return prepared(steps, image).pixels


def _narrowed(pixels: Array) -> Array:
    if pixels.dtype == np.bool_:
        return pixels.view(np.uint8)
    if pixels.dtype.kind not in "iuf":
        raise RecordError(Status.OUT_OF_CONTRACT, f"pixels of {pixels.dtype} are not real numbers")
    with np.errstate(over="ignore"):
        return pixels.astype(np.float32)
