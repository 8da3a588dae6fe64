"""Files of notes that are text: where each record lies, and what it says."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from schemas.errors import RecordError
from schemas.status import Status
from workers.ehr.notes.note import Identity, Note

Row = Mapping[str, Any]


class DeletedResource(NamedTuple):
    """The `Type/id` of what is gone, and when that was, as the entry says it."""

    key: str
    updated: object


class Span(NamedTuple):
    """One record of a text file.

    `start` and `size` are bytes of the inflated content; `size` is None where the file is damaged or cut off from
    here on. `line` is the number of its first line. `row` is None where it cannot be read. `path` are the numbers of
    the entries of a Bundle that it lies in. `deletion` is an entry that takes a resource back, and no record.
    """

    start: int
    size: int | None
    line: int
    row: Row | None
    path: tuple[int, ...] = ()
    deletion: DeletedResource | None = None


class Dialect(Protocol):
    """What the names in a record mean."""

    def identify(self, row: Row) -> Identity | None:
        """Its ids and carried values; None if it is not a note. Raises RecordError where they cannot be read."""

    def note(self, row: Row) -> Note:
        """Its text, time and type. Raises RecordError."""


def unreadable(detail: str) -> RecordError:
    """The error of a record that cannot be read."""
    return RecordError(Status.UNREADABLE, detail)
