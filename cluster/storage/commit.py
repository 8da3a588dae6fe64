"""The commit: one conditional PUT that publishes data and the proof of who wrote it in a single step.

An answer can get lost after the store has acted. A writer that then asks again is refused because of itself, so every
refusal is settled by reading back what lies there: this attempt's own object is success, one of the same fingerprint
is another worker's equal result, anything else is another run's.
"""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from cluster.storage.digest import sha256_of
from cluster.storage.errors import ObjectError, ObjectMissing, TransientError
from cluster.storage.local_metadata import content_metadata
from cluster.storage.objects import ObjectHead, Store
from schemas.crashpoints import crashpoint
from schemas.errors import FingerprintError, InfrastructureError

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class CommitResult:
    """`committed`: this attempt's body lies there. `adopted`: another's does, of the same fingerprint.

    `metadata` is that of the object that lies there, `sha256` always in it.
    """

    outcome: Literal["committed", "adopted"]
    metadata: Mapping[str, str]


def attempt_id() -> str:
    """A fresh name for one encoded body."""
    return uuid.uuid4().hex


def commit(
    store: Store,
    key: str,
    body: bytes | Path,
    *,
    fingerprint: str,
    attempt: str | None = None,
    sha256: str | None = None,
    extra: Mapping[str, str] = _NOTHING,
) -> CommitResult:
    """Create `key` with `body` unless it is there.

    `attempt` is the body's own and fresh, given where it stands in the body; `sha256` that of the body, if known.

    On a local disk the fingerprint is read from the content of what lies there (Parquet footer, JSON); a file that
    can carry none is adopted if it has the same sha256.

    Raises FingerprintError if another run's object lies there, InfrastructureError if the outcome cannot be had; the
    same call may then be made again.
    """
    own = {"fingerprint": fingerprint, "attempt": attempt or attempt_id(), "sha256": sha256 or sha256_of(body)}
    commission = _Commission(store, key, body, {**extra, **own})
    crashpoint("commit.before_put")
    found = commission.put_until_known()
    crashpoint("commit.after_put")
    return commission.settle(found)


def own_metadata(store: Store, head: ObjectHead) -> Mapping[str, str]:
    """What an object of a run says of itself: its metadata, or, where none came with it, what its content carries.

    A gateway may leave metadata out, and so may one answer of a store. Raises InfrastructureError where the object is
    gone.
    """
    if head.metadata.get("fingerprint"):
        return head.metadata
    try:
        with store.open_reader(head.key, if_etag=head.etag) as file:
            return {**head.metadata, **content_metadata(head.key, file)}
    except ObjectError:
        raise InfrastructureError(
            f"{store.uri}: an object vanished or changed as it was read: stop what deletes or writes there, then run "
            "again"
        ) from None


@dataclass(frozen=True)
class _Commission:
    store: Store
    key: str
    body: bytes | Path
    metadata: Mapping[str, str]

    def put_until_known(self) -> ObjectHead | None:
        """What lies there instead of this body; None if this body was created."""
        failure: InfrastructureError | None = None
        for pause in self.store.backoff.pauses():
            time.sleep(pause)
            try:
                if self.store.put_if_absent(self.key, self.body, self.metadata):
                    return None
                found = self.store.head(self.key)
                if found is not None:
                    return found
                # Deleted in between, or the store refused because of a write that then failed: worth another try.
                failure = InfrastructureError(f"{self.store.uri}: an object that forbade its creation is not there")
            except TransientError as error:
                failure = error
            except InfrastructureError as error:
                # Trying again will not help, and yet an earlier try may have taken effect.
                failure = error
                break
        assert failure is not None
        return self._read_back(failure)

    def _read_back(self, failure: InfrastructureError) -> ObjectHead:
        """An earlier try may have taken effect though its answer did not arrive."""
        try:
            found = self.store.head(self.key)
        except InfrastructureError:
            found = None
        if found is None:
            raise failure
        return found

    def settle(self, found: ObjectHead | None) -> CommitResult:
        """Whose the object is that lies there."""
        if found is None:
            return CommitResult("committed", self.metadata)
        there = own_metadata(self.store, found)
        # Its own attempt: refused because of itself, as the first answer was lost on the way.
        if there.get("attempt") == self.metadata["attempt"]:
            return CommitResult("committed", self.metadata)
        # A local disk keeps nothing beside the content of a file.
        digest = there.get("sha256") or self._sha256_there()
        theirs = there.get("fingerprint", "")
        # Of what names no run, only the bytes can tell whether it is the same.
        if theirs != self.metadata["fingerprint"] and (theirs or digest != self.metadata["sha256"]):
            raise FingerprintError(
                f"{self.store.uri}: another run's object lies where this run writes (fingerprint "
                f"{theirs[:12] or 'none'}, ours is {self.metadata['fingerprint'][:12]}): choose another output.uri"
            )
        return CommitResult("adopted", {**there, "sha256": digest})

    def _sha256_there(self) -> str:
        try:
            return self.store.sha256(self.key)
        except ObjectMissing:
            raise InfrastructureError(
                f"{self.store.uri}: an object vanished as it was read: stop what deletes there, then run again"
            ) from None
