from __future__ import annotations

from collections.abc import Callable

import pytest

from schemas.errors import InfrastructureError, SpecError
from schemas.work import ShardReport, ShardTask
from workers.pipeline.desk import Desk, Offer, Stop, where


def committed(shard: int) -> ShardReport:
    return ShardReport(shard, "committed")


def taken(desk: Desk, shard: int) -> Offer:
    offer = desk.take(ShardTask(shard))
    assert offer is not None
    return offer


def raising(error: BaseException) -> Callable[[], None]:
    def step() -> None:
        raise error

    return step


def test_a_report_is_told_once_and_its_shard_leaves_the_hands() -> None:
    desk = Desk()
    first, _ = taken(desk, 1), taken(desk, 2)
    desk.report(first, committed(1))
    desk.report(first, committed(1))
    assert desk.drain_reports() == ([committed(1)], (2,), 1)
    assert desk.drain_reports() == ([], (2,), 1)


@pytest.mark.parametrize("way", ["attempt", "guard"])
def test_a_package_that_a_thread_misses_is_no_internal_error(way: str) -> None:
    desk, missed = Desk(), ModuleNotFoundError("No module named 'onnxruntime.capi'", name="onnxruntime.capi")
    offer = taken(desk, 1)
    desk.attempt(offer, raising(missed)) if way == "attempt" else desk.guard(raising(missed), lambda: None)
    (report,), _, _ = desk.drain_reports()
    assert (report.error_type, report.error) == (
        "MissingExtraError",
        "package 'onnxruntime' is not installed: pip install wardround",
    )


def test_what_waits_for_its_commit_is_in_hand_and_not_in_the_pipeline() -> None:
    desk = Desk()
    desk.leaves_pipeline(taken(desk, 1))
    assert desk.drain_reports() == ([], (1,), 0)


def test_a_cancelled_shard_is_forgotten_when_a_thread_comes_to_it() -> None:
    desk = Desk()
    offer = taken(desk, 1)
    desk.cancel(1)
    desk.cancel(99)
    assert desk.drain_reports()[1] == (1,)
    assert not desk.is_current(offer)
    desk.report(offer, committed(1))
    assert desk.drain_reports() == ([], (), 0)


def test_what_is_left_of_an_earlier_offer_says_nothing_about_the_later_one() -> None:
    desk = Desk()
    earlier, later = taken(desk, 1), taken(desk, 1)
    assert not desk.is_current(earlier)
    assert desk.is_current(later)
    desk.fail(earlier, SpecError("of the earlier"))
    desk.report(later, committed(1))
    assert desk.drain_reports()[0] == [committed(1)]


@pytest.mark.parametrize(
    ("error", "kind", "retryable"),
    [(InfrastructureError("disk full"), "InfrastructureError", True), (SpecError("wrong"), "SpecError", False)],
)
def test_an_error_of_ours_fails_its_shard_with_its_text(error: Exception, kind: str, retryable: bool) -> None:
    desk = Desk()
    desk.attempt(taken(desk, 1), raising(error))
    (report,), in_hand, _ = desk.drain_reports()
    assert (report.outcome, report.error, report.error_type, report.retryable) == (
        "failed",
        str(error),
        kind,
        retryable,
    )
    assert in_hand == ()


def test_an_error_that_is_not_ours_is_told_by_type_and_place_without_its_text() -> None:
    desk = Desk()
    desk.attempt(taken(desk, 1), raising(ValueError("PatientName: Smith")))
    ((report,), _, _) = desk.drain_reports()
    assert report.error.startswith("internal error ValueError at test_desk.py:")
    assert "Smith" not in report.error
    assert (report.error_type, report.retryable) == ("WardroundError", False)


def test_a_loop_that_breaks_fails_every_shard_in_hand_and_every_later_one() -> None:
    desk, given_up = Desk(), list[int]()
    taken(desk, 1), taken(desk, 2)
    desk.guard(raising(InfrastructureError("no memory")), lambda: given_up.append(1))
    assert given_up == [1]
    assert desk.take(ShardTask(3)) is None
    reports, in_hand, _ = desk.drain_reports()
    assert [(report.shard, report.error) for report in reports] == [(n, "no memory") for n in (1, 2, 3)]
    assert in_hand == ()


def test_a_worker_that_closes_fails_nothing() -> None:
    desk, given_up = Desk(), list[int]()
    offer = taken(desk, 1)
    desk.guard(raising(Stop()), lambda: given_up.append(1))
    with pytest.raises(Stop):
        desk.attempt(offer, raising(Stop()))
    assert desk.drain_reports() == ([], (1,), 1)
    assert given_up == []


def test_an_error_that_was_never_raised_has_no_place() -> None:
    assert where(KeyError("x")) == "internal error KeyError at unknown place; please report it"
