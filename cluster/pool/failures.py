"""When trying again has gone on for too long, and which error a worker's failure is here."""

from cluster.pool.contract import PoolSettings, WorkerLost
from schemas import errors
from schemas.errors import InfrastructureError, MissingExtraError, UsageError, WardroundError


class Budget:
    """Counts infrastructure failures in a row, with a growing pause after each.

    Failures inside a pause are one outage seen by many and count once. Progress resets the count.
    """

    def __init__(self, settings: PoolSettings) -> None:
        self._settings = settings
        self._in_a_row = 0
        self._pause_ends = float("-inf")
        self.trouble = ""
        """What failed last, as long as nothing has been done since."""

    def progress(self) -> None:
        """Something was committed."""
        self._in_a_row = 0
        self.trouble = ""

    def failure(self, what: str, now: float) -> float:
        """Note a failure; the time before which the same should not be tried again.

        Raises InfrastructureError when there were too many in a row.
        """
        self.trouble = what
        if now >= self._pause_ends:
            self._in_a_row += 1
            if self._in_a_row > self._settings.max_infrastructure_failures:
                raise InfrastructureError(
                    f"storage or cluster failed {self._in_a_row} times in a row without a shard done between, last: "
                    f"{what}; the same command resumes the run once that is fixed"
                )
            self._pause_ends = now + self._pause()
        return self._pause_ends

    def _pause(self) -> float:
        # Bounded, as a float ends at 2**1024 and the number of outages is the user's to choose.
        doubled = self._settings.backoff_s * 2.0 ** min(self._in_a_row - 1, 30)
        return min(doubled, self._settings.max_backoff_s)


class DeathBudget:
    """Counts workers that died over their shards, in a row: if all die, it is not the shards."""

    def __init__(self, settings: PoolSettings) -> None:
        self._limit = settings.max_deaths
        self._in_a_row = 0

    def progress(self) -> None:
        """Something was committed."""
        self._in_a_row = 0

    def death(self, how: str) -> None:
        """Note a death. Raises InfrastructureError after too many."""
        self._in_a_row += 1
        if self._in_a_row >= self._limit:
            raise InfrastructureError(
                f"{self._in_a_row} workers in a row died without a shard done between, the last: {how}; "
                "look for the cause in the workers' logs, and at the memory that each has"
            )


class StartBudget:
    """Counts workers that failed to start, in a row."""

    def __init__(self, settings: PoolSettings) -> None:
        self._limit = settings.max_start_failures
        self._in_a_row = 0

    def ready(self) -> None:
        """A worker started."""
        self._in_a_row = 0

    def failure(self, lost: WorkerLost) -> None:
        """Note a failed start.

        Raises what the factory raised, if that was an error of ours (a wrong spec will not get better), and
        InfrastructureError after too many.
        """
        if is_ours(lost.error_type):
            raise rebuild(lost.error_type, lost.detail)
        self._in_a_row += 1
        if self._in_a_row >= self._limit:
            raise InfrastructureError(
                f"{self._in_a_row} workers in a row failed to start, the last with {lost.error_type or lost.kind}: "
                f"{lost.detail}; see the worker's log"
            )


def is_ours(error_type: str) -> bool:
    """Whether this names a class of the error tree."""
    return _class(error_type) is not None


def rebuild(error_type: str, message: str) -> WardroundError:
    """The error that a worker met, as its own class here; WardroundError for a class that is not ours."""
    found = _class(error_type)
    if found is None:
        return WardroundError(f"{error_type or 'a worker failed'}: {message}")
    # Its constructor makes the message from a package and an extra, which are not known here.
    if found is MissingExtraError:
        return UsageError(message)
    return found(message)


def _class(error_type: str) -> type[WardroundError] | None:
    found = getattr(errors, error_type, None) if error_type else None
    return found if isinstance(found, type) and issubclass(found, WardroundError) else None
