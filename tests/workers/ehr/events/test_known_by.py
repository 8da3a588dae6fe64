from datetime import datetime

import pyarrow as pa
import pytest

from workers.ehr.events.fetching import known_by

DAY = datetime(2024, 3, 5)
END = datetime(2024, 3, 6, 5)


def known(times: list[datetime | None], exact: bool, **columns: list[object]) -> list[object]:
    """By when rows of a data file have happened."""
    kinds = {"known_at": pa.timestamp("us"), "time_precision": pa.string()}
    more = {name: pa.array(values, kinds[name]) for name, values in columns.items()}
    found = known_by(pa.table({"time": pa.array(times, pa.timestamp("us")), **more}), exact)
    return pa.array(found).cast(pa.timestamp("us")).to_pylist()


def test_data_that_say_nothing_may_mean_a_day_by_midnight_unless_they_are_exact() -> None:
    noon = datetime(2024, 3, 5, 12)
    assert known([DAY, noon], exact=False) == [datetime(2024, 3, 6), noon]
    assert known([DAY, noon], exact=True) == [DAY, noon]


@pytest.mark.parametrize("exact", [False, True])
def test_data_that_say_it_are_taken_at_their_word_and_a_day_stays_a_day(exact: bool) -> None:
    said = {"known_at": [END, None], "time_precision": ["day", None]}
    assert known([DAY, DAY], exact, **said) == [END, DAY]


def test_midnight_that_a_clock_said_is_a_moment_where_times_are_exact() -> None:
    said = {"known_at": [END], "time_precision": ["midnight"]}
    assert known([DAY], False, **said) == [END]
    assert known([DAY], True, **said) == [DAY]
