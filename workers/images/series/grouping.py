"""Slices of one series that could lie in one stack: of one size, spacing, orientation and frame of reference."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.images.series.facts import SliceFacts

ORIENTATION_NOISE = 1e-3
_SPACING_NOISE = 1e-4


@dataclass(frozen=True)
class Part:
    """Slices and, as `name=value`, what told them apart from others of their series."""

    slices: tuple[SliceFacts, ...]
    labels: tuple[str, ...] = ()


def stacks(slices: Sequence[SliceFacts]) -> list[Part]:
    """The slices by their geometry. Each must have one (`geometry.has_no_geometry`)."""
    parts = [Part(tuple(slices))] if slices else []
    for name, numbers in (
        ("size", _sizes),
        ("reference", _references),
        ("spacing", _spacings),
        ("orientation", _orientations),
    ):
        parts = [smaller for part in parts for smaller in _split(part, name, numbers(part.slices))]
    return parts


def _split(part: Part, name: str, values: Sequence[str | int]) -> list[Part]:
    """One part a value, named by it; the part itself where there is one value."""
    if len(set(values)) < 2:
        return [part]
    return [
        Part(
            tuple(facts for facts, found in zip(part.slices, values, strict=True) if found == value),
            (*part.labels, f"{name}={value}"),
        )
        for value in sorted(set(values))
    ]


def _sizes(slices: Sequence[SliceFacts]) -> list[str]:
    colours = len({facts.samples for facts in slices}) > 1
    return [f"{facts.columns}x{facts.rows}" + (f"x{facts.samples}" if colours else "") for facts in slices]


def _references(slices: Sequence[SliceFacts]) -> list[int]:
    """A slice that names no frame of reference is taken into the only one that others name."""
    named = sorted({facts.frame_of_reference for facts in slices if facts.frame_of_reference})
    if len(named) < 2:
        return [1] * len(slices)
    return [named.index(facts.frame_of_reference) + 1 if facts.frame_of_reference else 0 for facts in slices]


def _spacings(slices: Sequence[SliceFacts]) -> list[int]:
    return _clusters(slices, lambda facts: facts.pixel_spacing or (), _SPACING_NOISE)


def _orientations(slices: Sequence[SliceFacts]) -> list[int]:
    def numbers(facts: SliceFacts) -> tuple[float, ...]:
        return tuple(value for vector in facts.orientation or () for value in vector)

    return _clusters(slices, numbers, ORIENTATION_NOISE)


def _clusters(
    slices: Sequence[SliceFacts], numbers: Callable[[SliceFacts], tuple[float, ...]], noise: float
) -> list[int]:
    """The number, from 1, of each slice's cluster: the values that lie within the noise of their middle.

    Clusters are made and numbered in the order of the values, so that the order of the slices does not matter.
    """
    values = [numbers(facts) for facts in slices]
    left = np.array(sorted(set(values)), float)
    found: dict[tuple[float, ...], int] = {}
    for number in range(1, len(left) + 1):
        members = _first_cluster(left, noise)
        found |= {tuple(value): number for value in left[members].tolist()}
        left = left[~members]
        if not len(left):
            break
    return [found[value] for value in values]


def _first_cluster(values: NDArray[np.float64], noise: float) -> NDArray[np.bool_]:
    """Which values are of the first one's cluster."""
    away = np.abs(values - values[0]).max(axis=1, initial=0.0)
    around: NDArray[np.bool_] = away <= 2 * noise
    near: NDArray[np.bool_] = away <= noise
    return around if np.ptp(values[around], axis=0).max(initial=0.0) <= 2 * noise else near
