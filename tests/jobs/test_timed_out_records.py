"""A note, a molecule and a sequence whose score never comes are rows of timed_out, and their neighbours are scored."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.support import runs
from tests.support.small_run import finish, start
from tests.support.stalling_formats import STALLS, with_stalling_formats, write_stalling

GOOD = {"notes": "No fever today.", "molecules": "CCO", "sequences": "ACGTACGT"}
COLUMN = {"notes": "text", "molecules": "smiles", "sequences": "sequence"}
INPUT = {
    "notes": "record_id: id, format: parquet",
    "molecules": "record_id: id",
    "sequences": "record_id: id",
}


@pytest.mark.long
@pytest.mark.parametrize(
    ("collection", "pool"),
    [*((collection, "serial") for collection in STALLS), pytest.param("notes", "ray", marks=pytest.mark.ray)],
)
def test_it_costs_its_own_row_only(tmp_path: Path, collection: str, pool: str) -> None:
    good, bad = GOOD[collection], GOOD[collection] + STALLS[collection]
    texts = [good] * 3 + [bad] + [good] * 3
    ids = [f"r{number}" for number in range(len(texts))]
    pl.DataFrame({"id": ids, COLUMN[collection]: texts}).write_parquet(tmp_path / "in.parquet")
    model = write_stalling(tmp_path / "model", collection)
    (tmp_path / "spec.yaml").write_text(
        f"job: predict\nname: stalls\ninput: {{collection: {collection}, uri: {tmp_path}/in.parquet, "
        f"{INPUT[collection]}}}\nmodels: {{m: {{uri: {model}}}}}\noutput: {{uri: {tmp_path}/out}}\n"
        f"compute: {{pool: {pool}, shard_records: 4}}\nlimits: {{record_timeout: 3s}}\n"
    )
    code, said = finish(start(tmp_path / "spec.yaml", with_stalling_formats(tmp_path / "plugin")), 400)
    assert code == 0, said
    found = runs.rows(tmp_path / "out")
    assert dict(zip(found["record_id"], found["status"], strict=True)) == {
        record: "timed_out" if record == "r3" else "ok" for record in ids
    }
