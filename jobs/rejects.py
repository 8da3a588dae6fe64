"""Stop a wrong spec in a minute: the share of rejected records, on a sample first and then all the way."""

from collections.abc import Mapping

from schemas.errors import RejectLimitError
from schemas.plan import PlanInfo
from schemas.status import Status


def spread_sample(plan: PlanInfo, size: int) -> tuple[int, ...]:
    """Places in the plan, evenly spread over all of it, ascending and distinct."""
    if plan.records <= size:
        return tuple(range(plan.records))
    return tuple(i * plan.records // size for i in range(size))


class RejectWatch:
    """Counts statuses and raises as soon as the limit cannot be kept any more, however good the rest is."""

    def __init__(self, limit: float, records: int) -> None:
        self.limit = limit
        self.records = records
        self.counts: dict[str, int] = {}

    def check_sample(self, statuses: Mapping[str, int]) -> None:
        """Raises RejectLimitError if the sample has more rejects than the limit."""
        rejected = _rejected(statuses)
        total = sum(statuses.values())
        if total and rejected / total > self.limit:
            raise RejectLimitError(
                f"{rejected} of {total} sampled records were rejected ({_by_status(statuses)}), limits.max_rejects is "
                f"{self.limit:.1%}: no row was written. Look at the input and the models and correct the spec, "
                "or raise the limit: the same command then begins anew"
            )

    def add(self, statuses: Mapping[str, int]) -> None:
        """Count a shard. Raises RejectLimitError once the run has more rejects than it may end with."""
        for status, count in statuses.items():
            self.counts[status] = self.counts.get(status, 0) + count
        rejected, done = _rejected(self.counts), sum(self.counts.values())
        if rejected > self.limit * self.records:
            raise RejectLimitError(
                f"{rejected} of {done} records were rejected ({_by_status(self.counts)}), limits.max_rejects is "
                f"{self.limit:.1%}: stopped. What is written stays; raise the limit to go on from here"
            )


def _rejected(statuses: Mapping[str, int]) -> int:
    return sum(count for status, count in statuses.items() if status != Status.OK)


def _by_status(statuses: Mapping[str, int]) -> str:
    return ", ".join(f"{status} {count}" for status, count in sorted(statuses.items()) if status != Status.OK)
