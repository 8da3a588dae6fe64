"""Which objects a planned volume is read from, and which of their frames are which slices."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workers.images.volumes.planning.columns import FORMAT, SLICES

FRAMES = 64
"""Frames of one object that are decoded in one go."""
OBJECTS = 32
"""Objects that are fetched in one go, or fewer where they are large."""
BYTES = 32 * 2**20


@dataclass
class Wanted:
    """One object: frame `frames[n]`, or the part of it at `corners[n]`, is slice `indices[n]`."""

    uri: str
    etag: str | None
    size: int
    format: str
    indices: list[int] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)
    corners: list[list[int] | None] = field(default_factory=list)

    def contexts(self) -> Iterator[tuple[list[int], dict[str, Any]]]:
        """Indices and what `workers.images.volumes.slices` is asked for, some frames at a time."""
        for at in range(0, len(self.indices), FRAMES):
            part = slice(at, at + FRAMES)
            yield (
                self.indices[part],
                {"format": self.format, "frames": self.frames[part], "corners": self.corners[part]},
            )


def objects_of(row: Mapping[str, Any]) -> list[Wanted]:
    """The objects of a planned volume, in the order of its slices."""
    found: dict[str, Wanted] = {}
    columns, rows, _ = row["shape"]
    for one in row[SLICES.name]:
        wanted = found.setdefault(one["uri"], Wanted(one["uri"], one["etag"], one["size"] or 0, row[FORMAT.name]))
        wanted.indices.append(one["index"])
        wanted.frames.append(one["frame"])
        wanted.corners.append(None if one["corner"] is None else [*one["corner"], rows, columns])
    return list(found.values())


def in_parts(objects: Sequence[Wanted]) -> Iterator[list[Wanted]]:
    """Neighbours that are few and small enough to be fetched together."""
    part: list[Wanted] = []
    size = 0
    for one in objects:
        if part and (len(part) >= OBJECTS or size + one.size > BYTES):
            yield part
            part, size = [], 0
        part.append(one)
        size += one.size
    if part:
        yield part
