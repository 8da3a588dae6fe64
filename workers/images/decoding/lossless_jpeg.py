"""Whether the samples of a lossless JPEG (ISO/IEC 10918-1 H) take as many bits as its frame has.

Its entropy-coded bits have no checksum, and decoders make up samples where they run out of bits or lose their way. But
each sample's difference from its prediction has one code, so samples tell how many bits they take.
"""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np

from workers.contract import Array
from workers.images.decoding.codestream import START_OF_SCAN, FrameSize, jpeg_segments

_LOSSLESS = 0xC3
_HUFFMAN_TABLES, _RESTARTS, _END_OF_IMAGE = 0xC4, 0xDD, 0xD9
_CATEGORIES = 17
# Difference 32,768 has a code and no bits behind it (H.1.2.2, table H.2).
_WITHOUT_BITS = 16
# A code that does not exist takes more bits than any.
_NO_CODE = 255

Lengths = dict[int, Array]
"""By table: bits that a difference takes, by its category, which is how many bits its magnitude has."""


class LosslessScan(NamedTuple):
    """How a frame codes its samples: `predictor` by H.1.2.1, what the codes of each component take, bits of all."""

    predictor: int
    lengths: tuple[Array, ...]
    bits: int


def read_scan(frame: bytes, found: FrameSize) -> LosslessScan | None:
    """The one scan of a frame; None where there are more, restarts, a point transform, or something out of order."""
    lengths: Lengths = {}
    for marker, at, length in jpeg_segments(frame):
        body = frame[at + 4 : at + 2 + length]
        if marker == _HUFFMAN_TABLES:
            lengths |= dict(_tables(body))
        elif marker == _RESTARTS and any(body):
            return None
        elif marker == START_OF_SCAN:
            return _scan(frame, found, lengths, body)
    return None


def spare_bits(scan: LosslessScan, found: FrameSize, samples: Array) -> int:
    """How many bits of the scan these samples, (rows, columns, components), do not take.

    0 to 7 where they are all that is coded, with padding behind them; below 0 where some of them are not coded at all.
    """
    planes = samples.reshape(found.rows, found.columns, found.channels)
    taken = 0
    for channel, lengths in enumerate(scan.lengths):
        apart = _differences(planes[..., channel].astype(np.uint16, copy=False), scan.predictor, found.bits)
        taken += int(cv2.sumElems(cv2.LUT(apart, cv2.LUT(_CATEGORY_OF, lengths)))[0])
    return scan.bits - taken


def _tables(body: bytes) -> Iterator[tuple[int, Array]]:
    """By table number, what B.2.4.2 defines; of what is damaged, less."""
    at = 0
    while at + _CATEGORIES <= len(body):
        counts = body[at + 1 : at + _CATEGORIES]
        lengths = np.full(256, _NO_CODE, np.uint8)
        symbols = iter(body[at + _CATEGORIES : at + _CATEGORIES + sum(counts)])
        for bits, count in enumerate(counts, start=1):
            for _, category in zip(range(count), symbols, strict=False):
                lengths[category] = bits + (category if category < _WITHOUT_BITS else 0)
        yield body[at], lengths
        at += _CATEGORIES + sum(counts)


def _scan(frame: bytes, found: FrameSize, lengths: Lengths, body: bytes) -> LosslessScan | None:
    """By B.2.3: components and their tables, the predictor, an unused byte, the point transform."""
    channels = found.channels
    plain = found.process == _LOSSLESS and (channels == 1 or _is_whole_sampled(frame, found))
    one = len(body) == 4 + 2 * channels and body[0] == channels and tuple(body[1 : 2 * channels : 2]) == found.ids
    if not (plain and one) or body[-1] or not 1 <= body[-3] <= 7:
        return None
    tables = [lengths.get(selected >> 4) for selected in body[2 : 1 + 2 * channels : 2]]
    bits = _bits_of(frame, found.scan_at + 4 + len(body))
    if bits is None or any(table is None for table in tables):
        return None
    return LosslessScan(body[-3], tuple(table for table in tables if table is not None), bits)


def _is_whole_sampled(frame: bytes, found: FrameSize) -> bool:
    """Whether every component has as many samples as the picture, and each scan takes them in turn."""
    for marker, at, _ in jpeg_segments(frame):
        if marker == found.process:
            return set(frame[at + 11 : at + 10 + 3 * found.channels : 3]) == {0x11}
    return False


def _bits_of(frame: bytes, begin: int) -> int | None:
    """Entropy-coded bits from here to the end marker; None where another marker stands before it.

    0xFF among them is followed by a 0 that does not count (B.1.1.5).
    """
    coded = np.frombuffer(frame, np.uint8, offset=begin)
    full = np.flatnonzero(coded[:-1] == 0xFF)
    marked = np.flatnonzero(coded[full + 1])
    if not len(marked):
        return None
    stuffed, first = int(marked[0]), int(full[marked[0]])
    return 8 * (first - stuffed) if coded[first + 1] == _END_OF_IMAGE else None


def _differences(samples: Array, predictor: int, bits: int) -> Array:
    """(rows, columns) from their predictions, modulo 65,536 (H.1.2.1); `samples` are uint16."""
    apart = np.empty(samples.shape, np.uint16)
    # The first row is predicted from the left, the first column from above, the first sample is half of the range.
    apart[0, 0] = (int(samples[0, 0]) - (1 << bits - 1)) % (1 << 16)
    np.subtract(samples[0, 1:], samples[0, :-1], out=apart[0, 1:])
    np.subtract(samples[1:, 0], samples[:-1, 0], out=apart[1:, 0])
    np.subtract(samples[1:, 1:], _predicted(samples, predictor), out=apart[1:, 1:])
    return apart


def _predicted(samples: Array, predictor: int) -> Array:
    """Every sample behind the first row and column, by its neighbours: table H.1."""
    left, above, corner = samples[1:, :-1], samples[:-1, 1:], samples[:-1, :-1]
    if predictor <= 3:
        return (left, above, corner)[predictor - 1]
    if predictor == 4:
        return left + above - corner
    left, above, corner = (neighbours.astype(np.int32) for neighbours in (left, above, corner))
    wide: Array = (left + ((above - corner) >> 1), above + ((left - corner) >> 1), (left + above) >> 1)[predictor - 5]
    return wide.astype(np.uint16)


def _category_of() -> Array:
    """By difference modulo 65,536: how many bits its magnitude has, 0 to 16."""
    signed = np.arange(1 << 16, dtype=np.uint16).view(np.int16).astype(np.int64)
    bits: Array = np.frexp(np.abs(signed))[1].astype(np.uint8)
    return bits


_CATEGORY_OF = _category_of()
