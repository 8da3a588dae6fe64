"""One stack of slices, none of them at the place of another, to the volume that it is, or to why it is none."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.status import Status
from workers.images.series.facts import PlacedSlice, SeriesVolume, SliceFacts
from workers.images.series.geometry import Directions, Placement, axis_codes, mean_directions, placement
from workers.images.series.line import Line, fit_line
from workers.images.series.thinned import with_what_was_left_out

_MOST_NAMED = 20


@dataclass(frozen=True)
class Stack:
    """Slices in the order of their places along the normal."""

    slices: tuple[SliceFacts, ...]
    along: NDArray[np.float64]
    directions: Directions


def stack_of(slices: Sequence[SliceFacts]) -> Stack:
    """Order slices that share their geometry by where they lie."""
    directions = mean_directions(list(slices))
    along = np.array([directions.place(facts.position) for facts in slices if facts.position is not None])
    order = np.argsort(along, kind="stable")
    return Stack(tuple(slices[int(index)] for index in order), along[order], directions)


def volume_of(stack: Stack, volume_id: str) -> SeriesVolume:
    """The volume of a stack: `ok` (None), incomplete, of varying spacing, or none at all."""
    faults = [facts.fault for facts in stack.slices if facts.fault is not None]
    if len(faults) == len(stack.slices):
        return refused(stack.slices, volume_id, faults[0].status, faults[0].detail, stack.along)
    if len(stack.slices) < 2:
        return refused(stack.slices, volume_id, Status.NOT_A_VOLUME, "one slice is no volume")
    line = fit_line(stack.along)
    if line is None:
        steps = np.diff(stack.along)
        detail = f"slices lie {_mm(steps.min())} to {_mm(steps.max())} apart: no volume has them at one spacing"
        return refused(stack.slices, volume_id, Status.VARIABLE_SPACING, detail, stack.along)
    line = with_what_was_left_out(line, stack.slices)
    positions = np.array([facts.position for facts in stack.slices], float)
    spacing = stack.slices[0].pixel_spacing
    assert spacing is not None
    placed = placement(positions, line, stack.directions, spacing)
    if placed.beside > 0:
        detail = "slices lie beside the straight line through the others: no volume has them at right angles or tilted"
        return refused(stack.slices, volume_id, Status.VARIABLE_SPACING, detail, stack.along)
    return _regular(stack, line, placed, volume_id, spacing)


def refused(
    slices: Sequence[SliceFacts],
    volume_id: str,
    status: Status,
    detail: str,
    along: NDArray[np.float64] | None = None,
) -> SeriesVolume:
    """An entry for slices that are no volume that can be read, in their order."""
    where = along if along is not None else np.zeros(len(slices))
    placed = tuple(_placed(facts, index, float(where[index])) for index, facts in enumerate(slices))
    return _described(slices, SeriesVolume(volume_id, placed, status, detail))


def _regular(stack: Stack, line: Line, placed: Placement, volume_id: str, spacing: tuple[float, float]) -> SeriesVolume:
    slices, depth = stack.slices, int(line.indices[-1]) + 1
    broken = [int(index) for index, facts in zip(line.indices, slices, strict=True) if facts.fault is not None]
    missing = tuple(sorted({*line.missing, *broken}))
    affine = placed.affine
    found = SeriesVolume(
        volume_id,
        tuple(
            _placed(facts, int(index), float(place))
            for facts, index, place in zip(slices, line.indices, stack.along, strict=True)
        ),
        status=Status.INCOMPLETE_SERIES if missing else None,
        detail=_incomplete(missing, depth, len(broken)) if missing else "",
        shape=(slices[0].columns, slices[0].rows, depth),
        affine=tuple((float(a), float(b), float(c), float(d)) for a, b, c, d in affine),
        spacing=(spacing[1], spacing[0], line.step),
        tilt_deg=placed.tilt_deg,
        residual_mm=line.residual,
        orientation=axis_codes(affine),
        missing=missing,
    )
    return _described(slices, found)


def _described(slices: Sequence[SliceFacts], found: SeriesVolume) -> SeriesVolume:
    """With what the first slice says for all."""
    first = slices[0]
    fields = {
        "series_uid": first.series_uid,
        "study_uid": first.study_uid,
        "subject": next((facts.subject for facts in slices if facts.subject is not None), None),
        "modality": first.modality,
        "samples": first.samples,
        "decoded_bytes": sum(facts.decoded_bytes for facts in slices),
    }
    return SeriesVolume(**{**vars(found), **fields})


def _placed(facts: SliceFacts, index: int, place: float) -> PlacedSlice:
    return PlacedSlice(facts.key, facts.frame, index, place, facts.corner, facts.sop_uid)


def _incomplete(missing: Sequence[int], depth: int, broken: int) -> str:
    """Which slices are not there: numbers along k, from 0, never a name."""
    named = ", ".join(map(str, missing[:_MOST_NAMED]))
    more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
    unreadable = f"; {broken} of them cannot be read" if broken else ""
    return f"{len(missing)} of {depth} slices are missing, counted from 0: {named}{more}{unreadable}"


def _mm(value: float) -> str:
    return f"{value:.3g} mm"
