"""Records over time, from the times of commits."""

from datetime import UTC, datetime, timedelta

from schemas.pace import MOST_SPANS, pace_of

START = datetime(2026, 1, 1, tzinfo=UTC)


def test_every_record_is_in_the_span_of_its_commit() -> None:
    found = pace_of(
        [(START + timedelta(seconds=second), count) for second, count in ((100, 5), (0, 3), (0, 4), (99, 1))]
    )
    assert found is not None
    assert found.seconds == 3
    assert (found.records[0], found.records[33], sum(found.records)) == (7, 6, 13)


def test_there_are_never_more_spans_than_can_be_drawn() -> None:
    for seconds in (0, 1, 47, 48, 49, 95, 96, 97, 86_400, 10**6 + 1):
        found = pace_of([(START, 1), (START + timedelta(seconds=seconds, microseconds=999_999), 2)])
        assert found is not None
        assert len(found.records) <= MOST_SPANS
        assert sum(found.records) == 3


def test_nothing_committed_has_no_pace() -> None:
    assert pace_of([]) is None
