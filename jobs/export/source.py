"""A finished run as what is exported from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from cluster.storage import ObjectMissing, Store
from jobs.rundir import existing_run, read_manifest
from schemas.errors import IncompleteError, UsageError, VerificationError
from schemas.run import Manifest, RunFile, shard_of


@dataclass(frozen=True)
class FinishedRun:
    """A run with a manifest. Only columns that are asked for are read."""

    store: Store
    run: RunFile
    manifest: Manifest

    def shards(self) -> dict[int, str]:
        """Keys of the shard objects, in plan order."""
        named = {shard_of(record.key, self.run.rows_dir): record.key for record in self.manifest.files}
        return {shard: named[shard] for shard in sorted(number for number in named if number is not None)}

    def schema(self) -> pa.Schema:
        """Of the rows. Raises UsageError if there are none."""
        key = next(iter(self.shards().values()), None)
        if key is None:
            raise UsageError("the run has no rows: there is nothing to export")
        return self._open(key).schema_arrow

    def tables(self, columns: Sequence[str]) -> Iterator[tuple[int, pa.Table]]:
        """Each shard's number and its rows, one in memory at a time. Raises VerificationError where one is damaged."""
        for shard, key in self.shards().items():
            yield shard, self._open(key).read(list(columns), use_threads=False)

    def _open(self, key: str) -> pq.ParquetFile:
        try:
            file = pq.ParquetFile(self.store.open_reader(key))
        except ObjectMissing:
            raise VerificationError(f"{key} is missing: the run is damaged; wardround verify tells more") from None
        except pa.ArrowInvalid:
            raise VerificationError(f"{key} is not the file that a run writes; wardround verify tells more") from None
        stamped = (file.schema_arrow.metadata or {}).get(b"wardround.fingerprint", b"").decode()
        if stamped != self.run.fingerprint:
            raise VerificationError(f"{key} carries the fingerprint of another run; wardround verify tells more")
        return file


def finished_run(store: Store) -> FinishedRun:
    """Raises UsageError where no run lies, IncompleteError without a manifest."""
    run, manifest = existing_run(store), read_manifest(store)
    if manifest is None:
        raise IncompleteError("the run has no manifest: it is not complete. Run its spec again, then export it")
    return FinishedRun(store, run, manifest)
