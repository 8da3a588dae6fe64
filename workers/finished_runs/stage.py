"""A complete stage of a run: what a later stage plans from, and from nothing else."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce
from itertools import chain

import pyarrow as pa

from cluster.storage import Store
from schemas.figures import NO_ROWS, Figures
from schemas.run import RUN_KEY, RunFile, shard_key, stage_directory
from workers.finished_runs.figures import figures_in, figures_of
from workers.finished_runs.plan import PlanReader
from workers.finished_runs.shards import open_shard, read_shard
from workers.finished_runs.side import SideObjectRef, named_by

_READS = 16
"""Shard objects read at a time."""


@dataclass(frozen=True)
class FinishedStage:
    """What a complete stage left on storage. `directory` is relative to the run, empty for its last stage."""

    store: Store
    directory: str
    run: RunFile

    def plan(self) -> PlanReader:
        """The stage's plan."""
        return PlanReader(self.store, self.directory + self.run.plan.key, self.run.plan)

    def key(self, shard: int) -> str:
        """Where the rows of a shard lie, relative to the run directory."""
        return self.directory + shard_key(self.run.rows_dir, shard)

    def rows(self, shard: int, columns: Sequence[str] | None = None) -> pa.Table:
        """The committed rows of one shard, in plan order. Raises VerificationError where they are damaged."""
        return read_shard(self.store, self.key(shard), self.run.fingerprint, columns)

    def figures(self, shard: int) -> Figures:
        """What the rows of one shard come to: as its footer says, and without that from the rows themselves.

        Raises VerificationError where the shard is damaged.
        """
        file = open_shard(self.store, self.key(shard), self.run.fingerprint)
        found = figures_in(file.schema_arrow.metadata)
        return figures_of(self.rows(shard), self.run.columns) if found is None else found

    def all_figures(self) -> Figures:
        """Those of all shards together, which are never held at once."""
        shards = range(self.run.plan.shards)
        with ThreadPoolExecutor(_READS) as pool:
            parts = (pool.map(self.figures, shards[at : at + _READS]) for at in range(0, len(shards), _READS))
            return reduce(Figures.added, chain.from_iterable(parts), NO_ROWS)

    def side_objects(self, shard: int) -> list[SideObjectRef]:
        """What the rows of one shard vouch for: the files that columns of `object<...>` refer to, and others."""
        return named_by(self.store, self.key(shard))

    def all_rows(self, columns: Sequence[str] | None = None) -> pa.Table:
        """The rows of every shard together, in plan order. Raises VerificationError where some are damaged."""
        with ThreadPoolExecutor(_READS) as pool:
            tables = list(pool.map(lambda shard: self.rows(shard, columns), range(self.run.plan.shards)))
        return pa.concat_tables(tables)

    def rows_at(self, places: Iterable[int], columns: Sequence[str] | None = None) -> pa.Table:
        """The rows of records by their ascending places in the plan, and no other shard is read."""
        parts = [self.rows(shard, columns).take(rows) for shard, rows in self.run.plan.by_shard(places).items()]
        return pa.concat_tables(parts).unify_dictionaries()


def stage_at(store: Store, name: str) -> FinishedStage:
    """The earlier stage `name` of the run in this store, which is complete."""
    directory = stage_directory(name)
    return FinishedStage(store, directory, RunFile.decode(store.get(directory + RUN_KEY), RUN_KEY))
