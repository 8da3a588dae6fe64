"""Where the slices of a Siemens series were planned: `sSliceArray` in the protocol that the series header quotes.

Source: 60 series of dcm_qa, dcm_qa_mosaic, dcm_qa_nih, dcm_qa_stc and dcm_qa_decubitus: the first tile lies on the
first planned slice, or on the last, within 0.01 mm, and the vendor's image header has the same sense.
"""

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ASCCONV = re.compile(rb"### ASCCONV BEGIN.*?### ASCCONV END", re.DOTALL)
_SETTING = re.compile(rb"^sSliceArray\.(\S+)\s*=\s*(\S+)\s*$", re.MULTILINE)
_NEAR = 0.5


@dataclass(frozen=True)
class SliceArray:
    """How many slices there are, and the centres of the first and the last (LPS+, millimetres), as they were planned.

    In which order they are stored is another matter: it may be turned round by the image numbering.
    """

    count: int | None
    first: Floats
    last: Floats

    def between(self, plane: Floats) -> float | None:
        """Millimetres between neighbours along the normal."""
        return abs(self._step(plane)) or None

    def sense(self, plane: Floats, centre: Floats) -> float | None:
        """1 if slices that begin with the one at `centre` go on along the normal, -1 if against it; None if neither
        the first nor the last of them was planned there."""
        step = self._step(plane)
        near = _NEAR * abs(step)
        if abs(float((centre - self.first) @ plane)) < near:
            return math.copysign(1.0, step)
        if abs(float((centre - self.last) @ plane)) < near:
            return math.copysign(1.0, -step)
        return None

    def _step(self, plane: Floats) -> float:
        return float((self.last - self.first) @ plane) / max((self.count or 1) - 1, 1)


def slice_array(header: bytes) -> SliceArray:
    """What the series header says of its slices; a coordinate that is 0 is left out there."""
    block = _ASCCONV.search(header)
    found = {name.decode("latin-1"): _number(said) for name, said in _SETTING.findall(block.group() if block else b"")}
    count = found.get("lSize")
    whole = int(count) if count and count.is_integer() else None
    return SliceArray(whole, _centre(found, 0), _centre(found, (whole or 1) - 1))


def _centre(found: dict[str, float | None], index: int) -> Floats:
    return np.array([found.get(f"asSlice[{index}].sPosition.d{axis}") or 0.0 for axis in ("Sag", "Cor", "Tra")])


def _number(said: bytes) -> float | None:
    try:
        return float(said)
    except ValueError:
        return None
