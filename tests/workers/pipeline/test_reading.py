"""Who looks for the object that storage refuses is told which row it belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pyarrow as pa
import pytest

from schemas.errors import InfrastructureError
from workers.ehr.notes.fetching import NoteFetcher
from workers.ehr.notes.note import Note
from workers.ehr.notes.reader import CHUNK_NOTES, NoteReader
from workers.pipeline.byte_budget import ByteBudget
from workers.pipeline.reading import at_rows


def test_a_single_row_and_a_range_are_named_and_other_errors_pass() -> None:
    with pytest.raises(InfrastructureError, match=r"^row 7: denied$"), at_rows(7):
        raise InfrastructureError("denied")
    with pytest.raises(InfrastructureError, match=r"^rows 7 to 9: denied$"), at_rows(7, 9):
        raise InfrastructureError("denied")
    with pytest.raises(ValueError, match=r"^other$"), at_rows(7, 9):
        raise ValueError("other")


class Refused:
    """A fetcher of notes whose second request is refused."""

    def __init__(self) -> None:
        self.asked = 0

    def fetch(self, rows: Sequence[Mapping[str, Any]]) -> list[Note]:
        self.asked += 1
        if self.asked == 2:
            raise InfrastructureError("denied")
        return [Note("text") for _ in rows]


def test_notes_that_cannot_be_had_are_named_by_their_rows() -> None:
    count = CHUNK_NOTES + 5
    empty = {"member": pa.nulls(count, pa.int64()), "size": pa.nulls(count, pa.int64())}
    records = pa.table({"uri": ["u"] * count, **empty, "etag": pa.nulls(count, pa.string())})
    reader = NoteReader(cast(NoteFetcher, Refused()), [], ByteBudget(1 << 20), keep_text=False)
    with pytest.raises(InfrastructureError, match=rf"^rows {CHUNK_NOTES} to {count - 1}: denied$"):
        list(reader.read(records))
    reader.close()
