"""Take a run away, so that another one can lie in its place: only what is proved to be this run's.

What a person or another program put into the directory stays, and so does a shard or a side object of another run.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

from cluster.storage import AccessRefusedError, ObjectInfo, Store
from cluster.storage.probe import FOLDER
from jobs.leftovers import Leftover, leftovers
from jobs.rundir import StageDirectory
from jobs.state import open_stages
from schemas.errors import RefusedError, VerificationError
from schemas.run import MANIFEST_KEY, REPORT_KEY, RUN_KEY, TUNING_DIR, Manifest, shard_of
from workers.finished_runs.documents import read_manifest
from workers.finished_runs.side import named_by
from workers.pipeline.objects import RecordNames

_AT_ONCE = 16


@dataclass(frozen=True)
class Discard:
    """What would go, in the order in which it goes: the run is a run until the last of it. `stays`: objects beside it
    that are not its own."""

    objects: tuple[ObjectInfo, ...]
    unfinished: tuple[Leftover, ...]
    stays: int

    @property
    def bytes(self) -> int:
        """What they take on storage together."""
        return sum(info.size for info in self.objects)

    def carry_out(self, store: Store) -> None:
        """Delete them. Stopped in the middle, the same command goes on. Raises RefusedError where nobody may delete."""
        try:
            for leftover in self.unfinished:
                leftover.remove(store)
            *others, last = self.objects
            first = [info for info in others if info.key in (MANIFEST_KEY, REPORT_KEY)]
            for info in first:
                store.delete(info.key)
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                list(pool.map(lambda info: store.delete(info.key), [info for info in others if info not in first]))
            store.delete(last.key)
        except AccessRefusedError as error:
            raise RefusedError(
                f"the run that lies there cannot be taken away: {error}. Nothing else needs the right to delete: grant "
                "it for this command, or choose another output.uri"
            ) from None


def to_discard(store: Store) -> Discard:
    """All that is this run's. Raises UsageError where no run lies."""
    stages = open_stages(store)
    owner = _Owner(store, stages)
    listed = [info for info in store.list() if not info.key.startswith(f"{FOLDER}/")]
    ours = [info for info, is_ours in zip(listed, owner.all(listed), strict=True) if is_ours]
    # run.json of the last stage that was begun goes last: it is what says whose all the rest is.
    last = [info for info in ours if info.key == stages[-1].directory + RUN_KEY]
    unfinished = tuple(found for found in leftovers(store, timedelta(0)) if found.upload or found.kind == "probe")
    return Discard((*(info for info in ours if info not in last), *last), unfinished, len(listed) - len(ours))


class _Owner:
    """Says of an object whether it is one of this run's."""

    def __init__(self, store: Store, stages: list[StageDirectory]) -> None:
        self._store = store
        self._stages = stages
        self._fingerprints = {stage.run.fingerprint for stage in stages}
        self._names = [RecordNames(stage.finished()) for stage in stages]
        self._sizes = _sizes(read_manifest_or_none(store))
        self._certain = {MANIFEST_KEY, REPORT_KEY}
        for stage in stages:
            self._certain |= {stage.directory + RUN_KEY, stage.directory + stage.run.plan.key}

    def all(self, listed: list[ObjectInfo]) -> Iterator[bool]:
        """One answer an object, in order."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for vouched in pool.map(self._vouched, listed):
                self._certain |= vouched
            yield from list(pool.map(self._is_ours, listed))

    def _vouched(self, info: ObjectInfo) -> set[str]:
        """Side objects that a shard of ours names."""
        if not self._is_shard(info.key) or not self._carries(info.key):
            return set()
        try:
            return {ref.key for ref in named_by(self._store, info.key)}
        except VerificationError:
            return set()

    def _is_shard(self, key: str) -> bool:
        return any(
            shard_of(key.removeprefix(stage.directory), stage.run.rows_dir) is not None for stage in self._stages
        )

    def _is_ours(self, info: ObjectInfo) -> bool:
        if info.key in self._certain or self._sizes.get(info.key) == info.size:
            return True
        if info.key.startswith(TUNING_DIR) and info.key.endswith(".json"):
            return True
        return any(names.has(info.key) for names in self._names) or self._carries(info.key)

    def _carries(self, key: str) -> bool:
        head = self._store.head(key)
        return head is not None and head.metadata.get("fingerprint") in self._fingerprints


def read_manifest_or_none(store: Store) -> Manifest | None:
    """The manifest; None also where it is damaged, which is one reason to discard a run."""
    try:
        return read_manifest(store)
    except VerificationError:
        return None


def _sizes(manifest: Manifest | None) -> Mapping[str, int]:
    return {} if manifest is None else {record.key: record.bytes for record in manifest.files}


def replace_if_empty(store: Store, directory: str) -> bool:
    """Discard the run that lies there if none of its stages has a row yet, or the stage in `directory`, where earlier
    ones have rows, if it has nothing but its plan. Whether that was so.

    Raises RefusedError where nobody may delete.
    """
    stages = open_stages(store)
    if read_manifest_or_none(store) is not None:
        return False
    if not any(stage.present() for stage in stages):
        to_discard(store).carry_out(store)
        return True
    stage = next((one for one in stages if one.directory == directory != ""), None)
    if stage is None:
        return False
    plan, run = f"{directory}{stage.run.plan.key}", f"{directory}{RUN_KEY}"
    listed = {info.key: info for info in store.list(directory)}
    if not listed.keys() <= {plan, run}:
        return False
    Discard(tuple(listed[key] for key in (plan, run) if key in listed), (), 0).carry_out(store)
    return True
