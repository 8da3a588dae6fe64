"""A run directory on storage: what lies there, and which of it is ours."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from cluster.storage import ObjectMissing, Store, own_metadata, settled
from schemas.errors import FingerprintError, InfrastructureError, VerificationError
from schemas.run import FileRecord, RunFile, shard_of
from schemas.wording import counted
from workers.finished_runs.side import named_by
from workers.finished_runs.stage import FinishedStage
from workers.pipeline.seal import intact_sha256

_HEADS = 32
"""Requests at a time where many objects are asked for their metadata."""


@dataclass(frozen=True)
class StageDirectory:
    """One pass of a run: a directory with its own plan, `run.json` and shard objects."""

    store: Store
    directory: str
    """Empty for the last stage, `stages/<name>/` for an earlier one."""
    run: RunFile

    def finished(self) -> FinishedStage:
        """The same, once it is complete."""
        return FinishedStage(self.store, self.directory, self.run)

    def plan_is_whole(self) -> bool:
        """Whether the plan lies there, and is the one that the run file names. Reads all of it."""
        try:
            return self._plan_sha256() == self.run.plan.sha256
        except ObjectMissing:
            return False

    def _plan_sha256(self) -> str:
        # It was there when run.json was written, so one answer that it is not is not enough.
        return settled(lambda: self.store.sha256(self.directory + self.run.plan.key), self.store.backoff)

    def present(self) -> set[int]:
        """Shards that have an object, by name alone: one listing."""
        prefix = f"{self.directory}{self.run.rows_dir}/"
        keys = (info.key.removeprefix(self.directory) for info in self.store.list(prefix))
        found = {shard_of(key, self.run.rows_dir) for key in keys}
        return {shard for shard in found if shard is not None}

    def committed(self) -> dict[int, FileRecord]:
        """Every shard object of this run, its metadata checked, and its bytes where the store keeps no digest of them.

        Raises FingerprintError for another run's object, VerificationError for a damaged one.
        """
        prefix = f"{self.directory}{self.run.rows_dir}/"
        keys = [info.key for info in self.store.list(prefix)]
        with ThreadPoolExecutor(_HEADS) as pool:
            records = pool.map(self._file_record, keys)
            pairs = [
                (shard_of(record.key.removeprefix(self.directory), self.run.rows_dir), record) for record in records
            ]
        strangers = sum(shard is None or shard >= self.run.plan.shards for shard, _ in pairs)
        if strangers:
            raise FingerprintError(
                f"{counted(strangers, 'object')} under {self.run.rows_dir}/ not of this run's plan: move that away"
            )
        return {shard: record for shard, record in pairs if shard is not None}

    def _file_record(self, key: str) -> FileRecord:
        try:
            head = self.store.version(key, None)
        except ObjectMissing:
            raise InfrastructureError(
                f"{key} is listed and cannot be found: stop what deletes there, or wait for the store to agree with "
                "itself, then run the same command again"
            ) from None
        metadata = own_metadata(self.store, head)
        if metadata.get("fingerprint") != self.run.fingerprint:
            raise FingerprintError(
                f"{key} is damaged or was not written by this run: move it away and run again to have it scored anew, "
                "or choose another output.uri"
            )
        shard = shard_of(key.removeprefix(self.directory), self.run.rows_dir)
        if shard is not None and metadata.get("shard") != str(shard):
            raise FingerprintError(
                f"{key} holds the rows of shard {metadata.get('shard')}: move it away, then run the same command again"
            )
        record = shard_record(key, head.size, metadata.get("sha256") or self._intact_sha256(key), metadata)
        if shard is None or record.models is not None or not self.run.has_verdicts:
            return record
        # Too long for metadata beside an object: its footer says them.
        return record.model_copy(update={"models": self.finished().figures(shard).models})

    def _intact_sha256(self, key: str) -> str:
        digest = intact_sha256(self.store.open_reader(key))
        if digest is None:
            raise VerificationError(
                f"{key} is damaged: its bytes are not those that were written. Move it away, then run the same command "
                "again to have its shard scored anew"
            )
        return digest


def shard_record(key: str, size: int, sha256: str, metadata: Mapping[str, str]) -> FileRecord:
    """A shard object as its own metadata describes it. Raises KeyError or ValueError for what no run writes."""
    return FileRecord(
        key=key,
        bytes=size,
        sha256=sha256,
        rows=int(metadata["rows"]),
        statuses=parse_counts(metadata["statuses"]),
        models=json.loads(metadata["verdicts"]) if "verdicts" in metadata else None,
        side=int(metadata["sides"]) if "sides" in metadata else None,
        totals=json.loads(metadata["totals"]) if "totals" in metadata else None,
    )


def side_objects(stage: StageDirectory, record: FileRecord) -> list[FileRecord]:
    """What the rows of a shard vouch for, as their footer names it. Raises VerificationError if it does not."""
    found = named_by(stage.store, record.key)
    if len(found) != record.side:
        said = counted(record.side or 0, "side object")
        raise VerificationError(f"{record.key} does not name its {said}: the run is damaged")
    return [FileRecord(key=ref.key, bytes=ref.bytes, sha256=ref.sha256) for ref in found]


def parse_counts(text: str) -> dict[str, int]:
    """`ok=3,missing=1` as a mapping."""
    return {name: int(count) for name, _, count in (pair.partition("=") for pair in text.split(",")) if name}
