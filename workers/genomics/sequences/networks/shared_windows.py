"""What windows of variants share on the reference: which of them overlap, and where an edit begins to matter.

A position's outputs depend on the bases within the network's reach and on nothing else. So windows that overlap are
pieces of one longer stretch of reference, and an ALT differs from it only where the edit is within reach.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from workers.genomics.sequences.windows import Bases, VariantWindow

Span = tuple[int, int]
"""[first, last) positions."""

WINDOWS_A_STRETCH = 8
"""A stretch is at most so many windows long: what is in memory at once depends on it."""


@dataclass(frozen=True)
class Edit:
    """ALT in place of REF, without the bases that both begin or end with.

    `at` is where it stands in the stretch, `alt` what is put there, `shift` by how much that moves what is right of it.
    `wanted` is the first position whose outputs are wanted, in the edited sequence; `more` is how many are wanted
    beyond those of the reference, where both of its sides keep their place.
    """

    row: int
    at: int
    alt: Bases
    shift: int
    wanted: int
    more: int = 0


@dataclass
class Stretch:
    """One piece of reference and the windows on it. `wanted`: (row, first position whose outputs are wanted)."""

    contig: str
    start: int
    bases: Bases
    wanted: list[tuple[int, int]] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)


def stretches(windows: Sequence[VariantWindow], reach: int) -> Iterator[Stretch]:
    """Cut windows of one length into stretches, in the order of their places.

    Windows go together where they have a place on the same contig, overlap, and agree on what they overlap in.
    """
    order = sorted(range(len(windows)), key=lambda row: (windows[row].contig, windows[row].start, row))
    current: Stretch | None = None
    source: Bases | None = None
    for row in order:
        window = windows[row]
        if current is None or not (window.bases is source or _joins(current, window)):
            if current is not None:
                yield current
            current = Stretch(window.contig, window.start, window.bases)
        _add(current, row, window, reach)
        source = window.bases
    if current is not None:
        yield current


def _joins(stretch: Stretch, window: VariantWindow) -> bool:
    if not window.contig or window.contig != stretch.contig:
        return False
    offset = window.start - stretch.start
    overlap = min(len(stretch.bases) - offset, len(window.bases))
    if overlap < window.length // 8 or offset + len(window.bases) > WINDOWS_A_STRETCH * window.length:
        return False
    return bool(np.array_equal(stretch.bases[offset : offset + overlap], window.bases[:overlap]))


def _add(stretch: Stretch, row: int, window: VariantWindow, reach: int) -> None:
    offset = window.start - stretch.start
    known = len(stretch.bases) - offset
    if known < len(window.bases):
        stretch.bases = np.concatenate([stretch.bases, window.bases[known:]])
    spare = len(window.bases) - window.length
    stretch.wanted.append((row, offset + reach + (spare if window.anchor == "right" else 0)))
    if window.alt is None:
        return
    shift = len(window.alt) - window.ref_length
    ref = window.bases[window.centre : window.centre + window.ref_length]
    same, alt = _trim(ref, window.alt)
    first = spare + shift if window.anchor == "right" else 0
    more = shift if window.anchor == "both" else 0
    stretch.edits.append(Edit(row, offset + window.centre + same, alt, shift, offset + reach + first, more))


def _trim(ref: Bases, alt: Bases) -> tuple[int, Bases]:
    """How many bases both begin with, and what ALT has between those and the ones that both end with."""
    shorter = min(len(ref), len(alt))
    before = _alike(ref[:shorter], alt[:shorter])
    left = shorter - before
    behind = _alike(ref[len(ref) - left :][::-1], alt[len(alt) - left :][::-1])
    return before, alt[before : len(alt) - behind]


def alike_ends(window: VariantWindow) -> tuple[int, int]:
    """How many bases the windows of REF and of ALT begin with alike, and how many they end with alike."""
    ref, alt = window.ref_window(), window.alt_window()
    shorter = min(len(ref), len(alt))
    behind = _alike(ref[len(ref) - shorter :][::-1], alt[len(alt) - shorter :][::-1])
    return _alike(ref[:shorter], alt[:shorter]), behind


def _alike(one: Bases, other: Bases) -> int:
    unlike = np.flatnonzero(one != other)
    return int(unlike[0]) if len(unlike) else len(one)


def edit_spans(alt: int, wanted: int, positions: int, reaches: Sequence[int]) -> list[Span]:
    """Where ALT has to be computed anew behind each convolution, counted from the edit's place in the edited sequence.

    `alt` is the number of bases put in, `wanted` the first of `positions` that are wanted. The span grows by each
    convolution's reach around the edit, as far as what is wanted still depends on it. The first is of the bases.
    """
    behind, ahead = 0, sum(reaches)
    spans = []
    for reach in (0, *reaches):
        behind, ahead = behind + reach, ahead - reach
        low, high = wanted - ahead, wanted + positions + ahead
        spans.append((min(max(-behind, low), high), min(max(alt + behind, low), high)))
    return spans


def merged(spans: Iterable[Span], bridge: int = 0) -> list[Span]:
    """Their union, sorted, gaps of up to `bridge` positions filled."""
    union: list[Span] = []
    for low, high in sorted(span for span in spans if span[0] < span[1]):
        if union and low <= union[-1][1] + bridge:
            union[-1] = (union[-1][0], max(union[-1][1], high))
        else:
            union.append((low, high))
    return union
