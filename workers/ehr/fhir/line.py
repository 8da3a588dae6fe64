"""A line of NDJSON, or a whole file of JSON, before it is read."""

from dataclasses import dataclass

from schemas.status import Status


@dataclass(frozen=True)
class Line:
    """One line without its end. `position` is that of its first byte in the (inflated) file.

    With `trouble` there is no data: it stands for a line, or for the rest of a file, that could not be had.
    `is_document`: it is a whole file of JSON, with as many values in it as there are.
    """

    position: int
    data: bytes
    trouble: Status | None = None
    reason: str | None = None
    is_document: bool = False
