"""Find out by trying whether a store keeps the promise that the commit rests on: of many creators one wins.

Several servers that speak S3 ignore the condition and let everybody win, which would lose results in silence.
The commit is one PUT, so that is what a store is refused for. Whether the completion of multipart uploads keeps the
same condition is found out as well and only reported: nothing rests on it, and servers exist (SeaweedFS 4.48) that keep
the first under every race and not the second.
"""

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from cluster.storage.commit import attempt_id
from cluster.storage.errors import AccessRefusedError
from cluster.storage.objects import MultipartStore, Store
from cluster.storage.retry import again
from schemas.errors import InfrastructureError, StoreError, WardroundError

FOLDER = ".wardround-probe"
_QUICK_CONTENDERS = 4
_LONGEST_WAIT = 120.0


@dataclass(frozen=True)
class ProbeResult:
    """What was tried: `rounds` races of `contenders` by PUT, every one won by exactly one.

    `multipart` is whether the same held for multipart uploads; None where that was not tried. `left`: objects of a few
    bytes that stay behind, as nobody may delete them.
    """

    rounds: int
    contenders: int
    multipart: bool | None
    seconds: float
    left: int = 0


Start = Callable[[str, bytes, str], Callable[[], bool]]
"""(key, body, attempt) to the function that tries to create the object: all that can be done before is done."""

Finish = tuple[bool, bytes]
"""Whether the store answered a contender that it won, and its body."""


def probe(store: Store, rounds: int = 5, contenders: int = 8, quick: bool = False) -> ProbeResult:
    """Race for `rounds` keys by PUT and for as many by completing a multipart upload, and clean up.

    Nothing rests on the right to delete: where it is not given, what was written stays. `quick`: two PUTs one after the
    other, then one race. Raises StoreError, which says what the store does not keep
    and what can be done, and InfrastructureError if it does not answer.
    """
    if quick:
        rounds, contenders = 1, min(contenders, _QUICK_CONTENDERS)
    folder = f"{FOLDER}/{uuid.uuid4().hex}/"
    began = time.monotonic()
    try:
        multipart = _try_all(store, folder, rounds, contenders, quick)
    except BaseException:
        with suppress(WardroundError):  # what went wrong first is what counts
            _clean(store, folder, uploads=not quick)
        raise
    left = _clean(store, folder, uploads=not quick)
    return ProbeResult(rounds, contenders, multipart, time.monotonic() - began, left)


def _try_all(store: Store, folder: str, rounds: int, contenders: int, quick: bool) -> bool | None:
    _in_turn(store, f"{folder}turn")
    fault = _race(store, _by_put(store), folder + "put", rounds, contenders)
    if fault:
        raise _refusal(store, fault)
    if quick or not isinstance(store, MultipartStore):
        return None
    try:
        return not _race(store, _by_parts(store), folder + "parts", rounds, contenders)
    except AccessRefusedError:  # nothing rests on it
        return None


def _by_put(store: Store) -> Start:
    return lambda key, body, attempt: lambda: store.put_if_absent(key, body, {"attempt": attempt})


def _by_parts(store: MultipartStore) -> Start:
    return lambda key, body, attempt: store.stage_upload(key, body, {"attempt": attempt})


def _in_turn(store: Store, key: str) -> None:
    first, second = (_try(_by_put(store)(key, body, attempt_id()), store) for body in (b"first", b"second"))
    if second or store.get(key) != b"first":
        raise _refusal(store, "the second of two writes, one after the other, replaced the first")
    if not first:
        raise _refusal(store, "a write to a new key was refused")


def _race(store: Store, start: Start, prefix: str, rounds: int, contenders: int) -> str:
    """Race for all keys at once, as a server may take a second to settle one. What went wrong, empty if nothing."""
    keys = [f"{prefix}-{number}" for number in range(rounds)]
    gates = {key: threading.Barrier(contenders) for key in keys}
    bodies = [f"contender {number}".encode() for number in range(contenders)]
    with ThreadPoolExecutor(rounds * contenders) as pool:
        races = {key: [pool.submit(_contend, store, start, key, body, gates[key]) for body in bodies] for key in keys}
        faults = [_fault(store, key, [each.result() for each in races[key]]) for key in keys]
    return next((fault for fault in faults if fault), "")


def _contend(store: Store, start: Start, key: str, body: bytes, gate: threading.Barrier) -> Finish:
    try:
        finish = start(key, body, attempt_id())
    except BaseException:
        # The others would wait at the gate until their time is up.
        gate.abort()
        raise
    try:
        gate.wait(_LONGEST_WAIT)
    except threading.BrokenBarrierError:
        raise InfrastructureError(f"{store.uri}: a probe could not begin: check the store, then run again") from None
    return _try(finish, store), body


def _try(finish: Callable[[], bool], store: Store) -> bool:
    """Whether this contender won. One whose answers got lost may be refused because of itself: that is no defect."""
    return again(finish, store.backoff)


def _fault(store: Store, key: str, results: Sequence[Finish]) -> str:
    winners = [body for won, body in results if won]
    if len(winners) > 1:
        return f"{len(winners)} of {len(results)} writers were told that they created one and the same object"
    # Where all were refused because of themselves, the body may be that of any.
    if store.get(key) not in (winners or [body for _, body in results]):
        return "the body that lies there is not that of the writer that won"
    return ""


def _refusal(store: Store, fault: str) -> StoreError:
    return StoreError(
        f"{store.uri} does not keep the condition 'If-None-Match: *' of a PUT: {fault}. Results could be overwritten. "
        "Use another store, or set output.single_committer: true, run one driver only, and verify what it wrote: a "
        "worker that was given up can then still overwrite a shard"
    )


def _clean(store: Store, folder: str, *, uploads: bool) -> int:
    """How many objects have to stay."""
    with suppress(AccessRefusedError):
        for upload in store.pending_uploads(folder) if uploads else ():
            store.abort_upload(upload)
    listed = list(store.list(folder))
    try:
        for info in listed:
            store.delete(info.key)
    except AccessRefusedError:
        return len(listed)
    return 0
