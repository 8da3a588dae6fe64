"""Run a conversion as the command does, and read the dataset and the account that it wrote."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import meds
import polars as pl
import pyarrow.parquet as pq

from cluster.storage import StorageSettings, Store, open_store
from jobs.hosts import open_host
from jobs.running import run_stages
from jobs.verification.verify import verify
from schemas.spec import parse_spec
from tests.support.runs import QUIET
from workers.finished_runs.documents import read_manifest

CASES = Path(__file__).parent.parent / "cases"


def convert_spec(source: str, output: str, compute: str = "pool: serial", more: str = "") -> str:
    """A conversion; `source` is the inside of `input:`."""
    return f"job: convert\nname: case\ninput: {{{source}}}\noutput: {{uri: {output}}}\ncompute: {{{compute}}}\n{more}"


def run_convert(text: str, settings: StorageSettings | None = None) -> Store:
    """The run directory after a conversion, every object of it verified."""
    outcome = run_stages(parse_spec(text), open_host, QUIET, lambda line: None)
    store = open_store(outcome.run_uri, settings)
    verify(store)
    return store


def account(store: Store) -> pl.DataFrame:
    """All rows of the account, in the order of the input."""
    return _all(store, "account/").with_columns(pl.col("status").cast(pl.String))


def events(store: Store) -> pl.DataFrame:
    """All events, in the order of their files, which must be a valid MEDS dataset."""
    seen: set[int] = set()
    for table in _tables(store, "meds/data/"):
        meds.DataSchema.validate(table)
        frame = pl.DataFrame(pl.from_arrow(table))
        subjects = frame["subject_id"].rle().struct.field("value").to_list()
        assert len(subjects) == len(set(subjects)), "a subject is not contiguous"
        assert not seen & set(subjects), "a subject is in two files"
        seen |= set(subjects)
        assert frame.equals(frame.sort("subject_id", "time", maintain_order=True)), "a subject is not sorted by time"
    return _all(store, "meds/data/")


def codes(store: Store) -> pl.DataFrame:
    """The codes of a dataset, held against its events."""
    (table,) = _tables(store, "meds/metadata/codes")
    meds.CodeMetadataSchema.validate(table)
    meds.DatasetMetadataSchema.validate(json.loads(store.get("meds/metadata/dataset.json")))
    frame = pl.DataFrame(pl.from_arrow(table))
    assert frame["code"].to_list() == sorted(set(events(store)["code"]))
    return frame


def side_keys(store: Store) -> set[str]:
    """Objects that the manifest names beside plans, run files and rows."""
    manifest = read_manifest(store)
    assert manifest is not None
    return {
        record.key for record in manifest.files if record.rows is None and record.key.endswith((".parquet", "t.json"))
    }


def _tables(store: Store, prefix: str) -> list[object]:
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for info in store.list(prefix):
            path = Path(folder) / "object.parquet"
            store.download(info.key, path)
            found.append(pq.read_table(path))
    return found


def _all(store: Store, prefix: str) -> pl.DataFrame:
    frames = [pl.DataFrame(pl.from_arrow(table)) for table in _tables(store, prefix)]
    return pl.concat(frames) if frames else pl.DataFrame()
