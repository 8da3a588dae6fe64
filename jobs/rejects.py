"""Stop a wrong spec in a minute: the share of rejected records, on a sample first and then all the way."""

from collections.abc import Mapping

from schemas.errors import RejectLimitError
from schemas.plan import PlanInfo, spread
from schemas.status import Status
from schemas.wording import counted

_HOPELESS = 64
"""Records after which it shows that not one fits the model."""
_DOES_NOT_FIT = frozenset({Status.OUT_OF_CONTRACT, Status.LOW_OVERLAP})

_NO_REJECTS = frozenset({Status.OK, Status.NOT_SELECTED})
"""What the spec itself leaves out is no sign of a wrong spec."""

Counts = Mapping[str, int]


def spread_sample(plan: PlanInfo, size: int) -> tuple[int, ...]:
    """Places in the plan, evenly spread over all of it, ascending and distinct."""
    return spread(plan.records, size)


class RejectWatch:
    """Counts statuses, of the records and in each of several models, and raises as soon as the limit cannot be kept any
    more, however good the rest is.

    `limit` None: nobody set one; then only a run in which not one of the first records fits its model is stopped.
    """

    def __init__(self, limit: float | None, records: int) -> None:
        self.limit = limit
        self.records = records
        self.counts: dict[str, dict[str, int]] = {}

    def check_sample(self, statuses: Counts, models: Mapping[str, Counts] | None = None) -> None:
        """Raises RejectLimitError if the sample has more rejects than the limit, in all or in one model."""
        for model, counts in {"": statuses, **(models or {})}.items():
            rejected, total = _rejected(counts), sum(counts.values())
            if self.limit is not None and total and rejected / total > self.limit:
                raise RejectLimitError(
                    f"{rejected} of {total} sampled records were rejected{_in(model)} ({_by_status(counts)}), "
                    f"limits.max_rejects is {self.limit:.1%}: no row was written. Look at the input and the models and "
                    "correct the spec, or raise the limit: the same command then begins anew"
                )

    def add(self, statuses: Counts, models: Mapping[str, Counts] | None = None) -> None:
        """Count a shard. Raises RejectLimitError once the run has more rejects than it may end with."""
        for model, counts in {"": statuses, **(models or {})}.items():
            total = self.counts.setdefault(model, {})
            for status, count in counts.items():
                total[status] = total.get(status, 0) + count
            self._check(model, total)

    def _check(self, model: str, counts: Counts) -> None:
        rejected, done = _rejected(counts), sum(counts.values())
        if self.limit is not None and rejected > self.limit * self.records:
            raise RejectLimitError(
                f"{rejected:,} of {counted(done, 'record')} were rejected{_in(model)} ({_by_status(counts)}), "
                f"limits.max_rejects is {self.limit:.1%}: stopped. What is written stays; raise the limit to go on "
                "from here"
            )
        if self.limit is None and _HOPELESS <= done < self.records and {*counts} <= _DOES_NOT_FIT:
            raise RejectLimitError(
                f"not one of the first {done} records fits{_in(model) or ' the model'} ({_by_status(counts)}): "
                "stopped. wardround rows RUN tells why; limits.max_rejects: 100% goes on whatever is rejected"
            )


def _in(model: str) -> str:
    return f" in model {model!r}" if model else ""


def _rejected(statuses: Counts) -> int:
    return sum(count for status, count in statuses.items() if status not in _NO_REJECTS)


def _by_status(statuses: Counts) -> str:
    return ", ".join(f"{status} {count}" for status, count in sorted(statuses.items()) if status != Status.OK)
