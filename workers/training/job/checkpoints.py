"""The states of a training as objects of its run: numbered, each created once, the newest whole one goes on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cluster.storage import ObjectMissing, Store, attempt_id, commit, own_metadata
from schemas.crashpoints import crashpoint
from schemas.errors import FingerprintError, RefusedError
from schemas.run import stage_directory
from workers.models.tensor_files import metadata_of, with_metadata
from workers.training.job.columns import FIT
from workers.training.state import State

_KEPT = 2
"""The newest, and the one before, should the newest be damaged."""
_SUFFIX = ".safetensors"


def checkpoint_folder(fit: str) -> str:
    """Where those of a fit lie, relative to the run."""
    return f"{stage_directory(FIT)}checkpoints/{fit}/"


class Superseded(Exception):
    """Another driver has gone further with this training: its state is the one to go on from."""


@dataclass(frozen=True)
class Checkpoint:
    """A state that lies there, after so many seconds of fitting."""

    number: int
    state: bytes
    seconds: float


class Checkpoints:
    """Those of one fit. `folder` is relative to the run and ends with a slash."""

    def __init__(self, store: Store, folder: str, fingerprint: str) -> None:
        self._store, self._folder, self._fingerprint = store, folder, fingerprint
        self._last = 0

    def newest(self) -> Checkpoint | None:
        """The one to go on from; a damaged one is passed over. Raises FingerprintError for another run's."""
        numbers = sorted(self._numbers(), reverse=True)
        self._last = numbers[0] if numbers else 0
        for number in numbers:
            found = self._read(number)
            if found is not None:
                return found
        return None

    def numbered(self, number: int) -> Checkpoint | None:
        """That one; None where it is not there, or damaged. Raises FingerprintError for another run's."""
        return self._read(number)

    def put(self, state: bytes, seconds: float) -> None:
        """Keep a state. Raises Superseded where another driver has put one meanwhile."""
        if max(self._numbers(), default=0) > self._last:
            raise Superseded
        attempt, number = attempt_id(), self._last + 1
        said = {"fingerprint": self._fingerprint, "attempt": attempt, "seconds": repr(seconds)}
        crashpoint("checkpoint.before_put")
        body = with_metadata(state, said)
        done = commit(self._store, self._key(number), body, fingerprint=self._fingerprint, attempt=attempt)
        crashpoint("checkpoint.after_put")
        if done.outcome == "adopted":
            raise Superseded
        self._last = number
        self._forget(number - _KEPT)

    def clear(self) -> None:
        """Take all away, once what came of them is committed."""
        self._forget(max(self._numbers(), default=0))

    def _forget(self, last: int) -> None:
        for number in [number for number in self._numbers() if number <= last]:
            if self._is_ours(number):
                self._store.delete(self._key(number))

    def _is_ours(self, number: int) -> bool:
        head = self._store.head(self._key(number))
        return head is not None and own_metadata(self._store, head).get("fingerprint") == self._fingerprint

    def _read(self, number: int) -> Checkpoint | None:
        try:
            body = self._store.get(self._key(number))
        except ObjectMissing:
            return None
        try:
            said: Mapping[str, str] = metadata_of(body)
            State.decode(body)
        except (RefusedError, ValueError):
            return None
        if said.get("fingerprint") != self._fingerprint:
            raise FingerprintError(f"{self._key(number)} is of another run: move it away, or choose another output.uri")
        return Checkpoint(number, body, float(said.get("seconds", "0")))

    def _numbers(self) -> Iterator[int]:
        for info in self._store.list(self._folder):
            name = info.key.removeprefix(self._folder)
            digits = name.removesuffix(_SUFFIX)
            if name.endswith(_SUFFIX) and digits.isdecimal():
                yield int(digits)

    def _key(self, number: int) -> str:
        return f"{self._folder}{number:08d}{_SUFFIX}"
