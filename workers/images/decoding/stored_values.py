"""From samples of a container or codestream to the values that the header says are stored in them."""

import numpy as np

from workers.contract import Array
from workers.images.decoding.pixel_module import PixelModule


def stored_values(samples: Array, bits: int, module: PixelModule) -> Array:
    """The BitsStored bits of each sample, with the sign of PixelRepresentation; other bits say something else.

    `bits` is the precision of the samples: that of the codestream, or BitsAllocated. Where it is smaller than
    BitsStored the codestream is right, and its highest bit is the sign. Integers of the same size come back; floats
    as they are.
    """
    if module.is_float:
        return samples
    size = samples.dtype.itemsize
    plain: Array = samples.view(f"u{size}")
    # A codestream of so few bits holds the values without the bits below them.
    shift = module.shift if bits >= module.bits_stored + module.shift else 0
    if shift:
        plain = plain >> np.array(shift, plain.dtype)
    kept, container = min(bits - shift, module.bits_stored), 8 * size
    if module.signed:
        values = plain.view(f"i{size}")
        unused = np.array(container - kept, values.dtype)
        extended: Array = values << unused >> unused if unused else values
        return extended
    # An unsigned codestream has no bits above its precision.
    if kept < container and (kept < bits - shift or samples.dtype.kind == "i"):
        plain = plain & np.array((1 << kept) - 1, plain.dtype)
    return plain
