"""What a network gets of a history, held to a plain loop over its events."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from schemas.status import Status
from tests.workers.ehr.events.formats.event_histories import DAY, NAMES, codes_table, part, some_histories
from workers.ehr.events.contract import STATIC, Histories
from workers.ehr.events.formats.encoder import Encoding, EventEncoder, births
from workers.ehr.events.formats.vocabulary import Vocabulary

LENGTHS = [5, 1, 40, 3, 9, 2, 17]
INPUTS = ("value", "delta", "ago", "age")


def by_hand(histories, record, encoding):
    """(code, value, delta, ago, age) of one record's kept events, its rate of unknown codes, whether it was cut."""
    index = {name: place + 1 for place, name in enumerate(NAMES[:-1])}
    scale = {row["code"]: (row["values/mean"], row["values/std"]) for row in codes_table().to_pylist()}
    now = histories.prediction_time[record]
    events = range(histories.offsets[record], histories.offsets[record + 1])
    rows = [(NAMES[histories.code[e]], int(histories.time[e]), float(histories.value[e])) for e in events]
    born = next((time for name, time, _ in rows if name == "MEDS_BIRTH" and time != STATIC), None)
    if encoding.window_days:
        rows = [row for row in rows if row[1] == STATIC or row[1] >= now - encoding.window_days * DAY]
    oov = sum(name not in index for name, _, _ in rows) / max(1, len(rows))
    if encoding.oov == "drop":
        rows = [row for row in rows if row[0] in index]
    cut = encoding.max_events is not None and len(rows) > encoding.max_events
    rows = rows[-encoding.max_events :] if cut else rows
    first = next((time for _, time, _ in rows if time != STATIC), now)
    before, answer = None, []
    for name, time, value in rows:
        mean, std = scale.get(name, (None, None))
        scaled = math.nan if mean is None else float(np.clip((value - mean) / std, -encoding.clip, encoding.clip))
        delta = 0 if before is None or time == STATIC else (time - before) / DAY
        before = None if time == STATIC else time
        stands_at = first if time == STATIC else time
        age = math.nan if born is None else max(0, stands_at - born) / DAY
        answer.append((index.get(name, 0), scaled, delta, (now - stands_at) / DAY, age))
    return answer, oov, cut


@pytest.mark.parametrize("oov", ["unknown", "drop"])
@pytest.mark.parametrize("window_days", [None, 20])
@pytest.mark.parametrize("max_events", [None, 4])
def test_events_are_those_of_a_plain_loop(oov, window_days, max_events):
    encoding = Encoding(oov=oov, window_days=window_days, max_events=max_events, clip=3)
    histories = some_histories(LENGTHS)
    encoded = EventEncoder(Vocabulary(codes_table()), encoding, INPUTS).encode(histories)
    ends = np.cumsum(encoded.lengths)
    for record in range(len(LENGTHS)):
        expected, rate, cut = by_hand(histories, record, encoding)
        events = slice(ends[record] - encoded.lengths[record], ends[record])
        assert encoded.code[events].tolist() == [row[0] for row in expected]
        for place, name in enumerate(INPUTS, start=1):
            found = encoded.columns[name][events]
            np.testing.assert_allclose(found, [row[place] for row in expected], rtol=1e-6, atol=1e-6)
            assert found.dtype == np.float32
        assert encoded.oov_rate[record] == pytest.approx(rate)
        assert encoded.truncated[record] == cut
        assert (record in encoded.refused) == (not expected)


def test_what_comes_out_of_a_record_does_not_depend_on_the_others():
    encoder = EventEncoder(Vocabulary(codes_table()), Encoding(oov="drop", max_events=6), INPUTS, "day", True)
    histories = some_histories(LENGTHS)
    together = encoder.encode(histories)
    parts = [encoder.encode(part(histories, record, record + 1)) for record in range(len(LENGTHS))]
    for name in ("lengths", "code", "visit", "oov_rate", "truncated"):
        assert np.concatenate([getattr(one, name) for one in parts]).tolist() == getattr(together, name).tolist()
    assert np.concatenate([one.origin.place for one in parts]).tolist() == together.origin.place.tolist()


def test_a_record_without_a_known_code_is_refused_and_says_why():
    histories = Histories(
        np.array([0, 1, 2]),
        np.array([DAY * 400, DAY * 400]),
        ["NEW//1", "DX//1"],
        np.array([0, 1], np.int32),
        np.array([DAY * 399, DAY]),
        np.full(2, np.nan, np.float32),
    )
    encoding = Encoding(oov="drop", window_days=30)
    encoded = EventEncoder(Vocabulary(codes_table()), encoding, ()).encode(histories)
    assert encoded.lengths.tolist() == [0, 0]
    assert [status for status, _ in encoded.refused.values()] == [Status.NO_EVENTS] * 2
    assert "vocabulary" in encoded.refused[0][1]
    assert "window" in encoded.refused[1][1]
    assert encoded.oov_rate.tolist() == [1.0, 0.0]


def test_unknown_codes_fall_back_to_parents_and_prefixes_in_the_order_given():
    table = pa.table(
        {
            "code": ["LAB//1", "LAB", "ATC//N02", "ATC//N02BE01"],
            "code/vocab_index": pa.array([1, 2, 3, None], pa.uint8()),
            "parent_codes": [None, None, None, ["none", "ATC//N02"]],
        }
    )
    names = ["LAB//1//mg", "LAB//2//mg", "LABOR", "ATC//N02BE01", "ATC//X"]
    assert Vocabulary(table).lookup(names).tolist() == [0, 0, 0, 0, 0]
    assert Vocabulary(table, ["prefix"]).lookup(names).tolist() == [1, 2, 0, 0, 0]
    assert Vocabulary(table, ["parents"]).lookup(names).tolist() == [0, 0, 0, 3, 0]
    assert Vocabulary(table, ["parents", "prefix"]).lookup(names).tolist() == [1, 2, 0, 3, 0]


def test_visits_are_events_of_one_moment_or_one_day():
    times = np.array([STATIC, STATIC, DAY, DAY, DAY + 5, 3 * DAY, DAY + 7, DAY + 9])
    histories = Histories(
        np.array([0, 6, 8]),
        np.array([4 * DAY, 4 * DAY]),
        NAMES,
        np.full(8, 5, np.int32),
        times,
        np.full(8, np.nan, np.float32),
    )
    vocabulary = Vocabulary(codes_table())
    by_time = EventEncoder(vocabulary, Encoding(), (), "time").encode(histories)
    by_day = EventEncoder(vocabulary, Encoding(), (), "day").encode(histories)
    assert by_time.visit.tolist() == [0, 0, 1, 1, 2, 3, 0, 1]
    assert by_day.visit.tolist() == [0, 0, 1, 1, 1, 2, 0, 0]
    assert EventEncoder(vocabulary, Encoding(), ()).encode(histories).visit is None


@pytest.mark.parametrize(
    ("code", "known"),
    [("MEDS_BIRTH", True), ("MEDS_BIRTH//x", True), ("SNOMED/3950001", True), ("SNOMED/39500", False)],
)
def test_a_birth_is_known_by_the_code_of_meds_and_by_that_of_clmbr(code: str, known: bool) -> None:
    once = Histories(
        np.array([0, 1]), np.array([9 * DAY]), [code], np.array([0], np.int32), np.array([2 * DAY]), np.zeros(1)
    )
    assert births(once).tolist() == [2 * DAY if known else STATIC]
