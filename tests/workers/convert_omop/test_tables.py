"""Rows of CSV tables that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.storage import StorageSettings, open_store
from workers.convert_omop.settings import OmopInput
from workers.convert_omop.tables import table_rows
from workers.meds.chunks import Chunk


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'1,2\n3,"4\n5,6\n7,8\n', [None, "not CSV over 3 lines, as by a quote that is not closed"]),
        (b'1,2\n\n3,"4"x\n5,6\n', [None, "not CSV", None]),
    ],
)
def test_a_quote_that_is_not_closed_says_how_many_lines_it_took(
    tmp_path: Path, body: bytes, said: list[str | None]
) -> None:
    (tmp_path / "death.csv").write_bytes(b"person_id,death_date\n" + body)
    store = open_store(str(tmp_path), StorageSettings())
    head = store.head("death.csv")
    assert head is not None
    chunk = Chunk("death.csv", head.etag, "death", 0, 0, head.size)

    found = table_rows(store, chunk, head.size, ["person_id"], OmopInput(format="omop", uri=str(tmp_path)))

    assert [reason for rows in found for reason in rows.broken] == said
