"""What a run left on storage, and whether that is what an undisturbed one leaves."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from cluster.storage import Store
from jobs.verification.verify import verify
from workers.finished_runs.documents import existing_run


class ChaosError(AssertionError):
    """The result is not that of an undisturbed run."""


@dataclass(frozen=True)
class Content:
    """What a run says, however often it was interrupted: its rows in plan order, and the tables of its dataset."""

    rows: pl.DataFrame
    dataset: tuple[pl.DataFrame, ...]

    def equals(self, other: Content) -> bool:
        """Bit for bit."""
        mine, theirs = (self.rows, *self.dataset), (other.rows, *other.dataset)
        return len(mine) == len(theirs) and all(_same(a, b) for a, b in zip(mine, theirs, strict=True))


def _same(mine: pl.DataFrame, theirs: pl.DataFrame) -> bool:
    """`equals` takes 0.0 for -0.0."""
    return mine.equals(theirs) and all(
        mine[name].fill_null(0).to_numpy().tobytes() == theirs[name].fill_null(0).to_numpy().tobytes()
        for name, kind in mine.schema.items()
        if kind.is_float()
    )


def content(store: Store) -> Content:
    """All that a finished run says."""
    return Content(logical_content(store), tuple(_table(store, prefix) for prefix in _DATASET if _any(store, prefix)))


_DATASET = (
    *("meds/data/", "meds/metadata/", "subjects/"),
    *("table/genotypes/", "table/variants.parquet", "table/samples.parquet", "table/parts.parquet"),
)
"""Where a conversion writes more than rows."""


def _any(store: Store, prefix: str) -> bool:
    return next(iter(store.list(prefix)), None) is not None


def logical_content(store: Store) -> pl.DataFrame:
    """Every row of the run in plan order, from the shard objects themselves."""
    return _table(store, f"{existing_run(store).rows_dir}/").with_columns(pl.col("status").cast(pl.String))


def _table(store: Store, prefix: str) -> pl.DataFrame:
    """All rows of the Parquet objects under a prefix, in the order of their keys."""
    keys = sorted(info.key for info in store.list(prefix) if info.key.endswith(".parquet"))
    with tempfile.TemporaryDirectory() as folder:
        parts = []
        for key in keys:
            path = Path(folder) / "shard.parquet"
            store.download(key, path)
            parts.append(pl.DataFrame(pl.from_arrow(pq.read_table(path))))
    return pl.concat([part.with_columns(pl.col(pl.Categorical).cast(pl.String)) for part in parts])


def compare(clean: Content, store: Store) -> None:
    """Hold what a seed left against the undisturbed run: `verify` first. Raises ChaosError where they differ."""
    verify(store)
    found = content(store)
    lost = set(clean.rows["record_id"]) - set(found.rows["record_id"])
    doubled = found.rows.height - found.rows["record_id"].n_unique()
    pending = len(list(store.pending_uploads()))
    same = found.equals(clean)
    if lost or doubled or pending or not same:
        raise ChaosError(
            f"{len(lost)} lost, {doubled} doubled, {pending} pending uploads; equal to the undisturbed run: {same}"
        )
