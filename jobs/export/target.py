"""Where an export goes: a directory of its own, whose files are created once and are never another export's."""

import json
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cluster.storage import StorageSettings, Store, commit, is_inside, open_store
from schemas.canonical import digest
from schemas.errors import FingerprintError, UsageError
from workers.finished_runs.run import FinishedRun

SUMMARY_KEY = "export.json"
"""Written last: its existence means that the export is complete."""


@dataclass
class Target:
    """An export in the making. `parts` decide its files beside the run; they and the run are its fingerprint.

    `storage` reaches what the run names as well. The same export made again finds its files there and leaves them;
    what a crash left is completed.
    """

    store: Store
    storage: StorageSettings
    source: FinishedRun
    format: str
    parts: Mapping[str, Any]
    files: int = 0
    size: int = 0
    fingerprint: str = field(init=False)
    _counting: threading.Lock = field(init=False, repr=False, compare=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.fingerprint = digest({"run": self.source.run.fingerprint, "format": self.format, **self.parts})

    def refuse_strangers(self, expected: Collection[str]) -> None:
        """Raises FingerprintError where other files lie than this export could have written."""
        known = {*expected, SUMMARY_KEY}
        strangers = sum(info.key not in known for info in self.store.list())
        if strangers:
            raise self._strange(f"{strangers} other objects lie")

    def write_table(self, key: str, table: pa.Table, extra: Mapping[str, str]) -> None:
        """Create a Parquet file; its key-value metadata says where it comes from, and `extra`."""
        metadata = {**self._provenance(), **extra, "fingerprint": self.fingerprint}
        keys = {f"wardround.{name}".encode(): value.encode() for name, value in metadata.items()}
        sink = pa.BufferOutputStream()
        pq.write_table(table.replace_schema_metadata(keys), sink, compression="zstd")
        self._create(key, bytes(sink.getvalue()))

    def write_file(self, key: str, path: Path) -> None:
        """Create a file from one on this disk."""
        self._create(key, path)

    def write_bytes(self, key: str, body: bytes) -> None:
        """Create a file. May be called by several threads."""
        self._create(key, body)

    def has(self, key: str, sha256: str) -> bool:
        """Whether this export wrote the file already, with this content; it counts as written then."""
        head = self.store.head(key)
        if head is None or (head.metadata.get("sha256") or self.store.sha256(key)) != sha256:
            return False
        self._count(head.size)
        return True

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Write the summary, which says that all is there."""
        # The same text whoever writes it: two of the same export may finish at once.
        said = {"format": self.format, "fingerprint": self.fingerprint, **self._provenance(), **summary}
        self._create(SUMMARY_KEY, json.dumps(said, indent=1, ensure_ascii=False).encode())

    def _provenance(self) -> dict[str, str]:
        run = self.source.run
        return {
            "run": run.fingerprint,
            "run_id": run.run_id,
            "name": run.name,
            "plan": run.plan.sha256,
            "models": ",".join(f"{name}={model.sha256}" for name, model in sorted(run.models.items())),
        }

    def _create(self, key: str, body: bytes | Path) -> None:
        try:
            commit(self.store, key, body, fingerprint=self.fingerprint)
        except FingerprintError:
            raise self._strange("another export lies") from None
        if key != SUMMARY_KEY:
            self._count(len(body) if isinstance(body, bytes) else body.stat().st_size)

    def _count(self, size: int) -> None:
        with self._counting:
            self.files += 1
            self.size += size

    def _strange(self, what: str) -> FingerprintError:
        return FingerprintError(f"{what} at {self.store.uri}: nothing of it is overwritten. Choose another --to")


def shard_file(shard: int) -> str:
    """Key of the file that an export writes for a shard, where it writes one a shard."""
    return f"shard-{shard:06d}.parquet"


def open_target(uri: str, storage: StorageSettings, source: FinishedRun, kind: str, parts: Mapping[str, Any]) -> Target:
    """The place `uri` for one export. Raises UsageError for a place inside the run directory."""
    store = open_store(uri, storage, single_committer=source.run.spec.output.single_committer)
    if is_inside(store.uri, [source.store.uri]) or is_inside(source.store.uri, [store.uri]):
        raise UsageError("--to must lie neither inside the run directory nor around it: choose another place")
    return Target(store, storage, source, kind, parts)
