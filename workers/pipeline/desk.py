"""The shards that a worker has in hand: who offered what, what is still wanted, what became of it."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from schemas.errors import InfrastructureError, WardroundError
from schemas.extras import missing_extra
from schemas.work import ShardReport, ShardTask


class Stop(Exception):
    """The worker is closing."""


@dataclass(eq=False)
class Offer:
    """One offer of a shard, until its report. The same shard may be offered again: what is left in the queues of an
    earlier offer has then nothing to do with the later one."""

    task: ShardTask
    place: Literal["pipeline", "commit"] = "pipeline"
    cancelled: bool = False


class Desk:
    """Shards in hand and reports not yet fetched. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hands: dict[int, Offer] = {}
        self._reports: list[ShardReport] = []
        self._fatal: WardroundError | None = None

    def take(self, task: ShardTask) -> Offer | None:
        """The offer of a new task; None where the worker has given up, and the report says so."""
        offer = Offer(task)
        with self._lock:
            self._hands[task.shard] = offer
            fatal = self._fatal
        if fatal is not None:
            self.fail(offer, fatal)
            return None
        return offer

    def drain_reports(self) -> tuple[list[ShardReport], tuple[int, ...], int]:
        """Reports since the last call, the shards in hand, and how many of them are before their commit."""
        with self._lock:
            done, self._reports = self._reports, []
            return done, tuple(self._hands), sum(offer.place == "pipeline" for offer in self._hands.values())

    def cancel(self, shard: int) -> None:
        """Forget a shard as soon as a thread comes to it."""
        with self._lock:
            if shard in self._hands:
                self._hands[shard].cancelled = True

    def is_current(self, offer: Offer) -> bool:
        """Whether to go on with it; one that was cancelled is forgotten here."""
        with self._lock:
            if self._hands.get(offer.task.shard) is not offer:
                return False
            if offer.cancelled:
                del self._hands[offer.task.shard]
            return not offer.cancelled

    def leaves_pipeline(self, offer: Offer) -> None:
        """It only waits for its commit now."""
        with self._lock:
            offer.place = "commit"

    def report(self, offer: Offer, report: ShardReport) -> None:
        """Once for each offer; of one that was reported or replaced nobody wants to hear."""
        with self._lock:
            if self._hands.get(offer.task.shard) is offer:
                del self._hands[offer.task.shard]
                self._reports.append(report)

    def attempt(self, offer: Offer, step: Callable[[], None]) -> None:
        """Run one step of a shard; what goes wrong is that shard's report, and the worker lives on."""
        try:
            step()
        except Stop:
            raise
        except WardroundError as error:
            self.fail(offer, error)
        except ModuleNotFoundError as error:
            self.fail(offer, missing_extra(error) or WardroundError(where(error)))
        except Exception as error:  # noqa: BLE001 - reported to the driver as an internal error, with its place and type
            self.fail(offer, WardroundError(where(error)))

    def guard(self, loop: Callable[[], None], give_up: Callable[[], None]) -> None:
        """Run a thread's loop. If it breaks, every shard in hand, and every later one, fails with the reason."""
        try:
            loop()
        except Stop:
            return
        except WardroundError as error:
            self._give_up(error)
            give_up()
        except ModuleNotFoundError as error:
            self._give_up(missing_extra(error) or WardroundError(where(error)))
            give_up()
        except Exception as error:  # noqa: BLE001 - reported to the driver as an internal error, with its place and type
            self._give_up(WardroundError(where(error)))
            give_up()

    def fail(self, offer: Offer, error: WardroundError) -> None:
        """Report the shard as failed."""
        self.report(
            offer,
            ShardReport(
                shard=offer.task.shard,
                outcome="failed",
                error=str(error),
                error_type=type(error).__name__,
                retryable=isinstance(error, InfrastructureError),
            ),
        )

    def fail_all(self, error: WardroundError) -> None:
        """Report every shard in hand as failed."""
        with self._lock:
            offers: Sequence[Offer] = list(self._hands.values())
        for offer in offers:
            self.fail(offer, error)

    def _give_up(self, error: WardroundError) -> None:
        with self._lock:
            self._fatal = error
        self.fail_all(error)


def where(error: Exception) -> str:
    """Type and place of an exception, without its message: that may hold record content."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}" if trace else "unknown place"
    return f"internal error {type(error).__name__} at {place}; please report it"
