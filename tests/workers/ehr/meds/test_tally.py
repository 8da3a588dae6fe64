"""Counts of what became of the records of a conversion, and of the precision of its times."""

from typing import Any

import polars as pl

from workers.ehr.meds import precision, tally
from workers.ehr.meds.parts import Part, events_frame, outcomes_frame
from workers.ehr.meds.tally import Tally, add_clocks, add_elements, add_tallies


def part(*outcomes: tuple[str, str, str | None, int], elements: Any = None) -> Part:
    """Records by (kind, outcome, reason, events)."""
    columns = {
        "subject": ["p"] * len(outcomes),
        "status": ["ok"] * len(outcomes),
        "outcome": [outcome[1] for outcome in outcomes],
        "reason": [outcome[2] for outcome in outcomes],
        "kind": [outcome[0] for outcome in outcomes],
        "n_events": [outcome[3] for outcome in outcomes],
    }
    frame = outcomes_frame(pl.String, columns)
    return Part(events_frame(pl.String, {}), frame, {}, elements or {})


def row(kind: str, outcome: str, reason: str | None, records: int, events: int) -> dict[str, Any]:
    return {"kind": kind, "outcome": outcome, "reason": reason, "records": records, "events": events}


def test_records_and_events_are_counted_by_kind_outcome_and_reason_over_all_parts() -> None:
    counted = Tally()
    counted.add(part(("Patient", "converted", None, 2), ("Patient", "ignored", "no time", 0)))
    counted.add(part(("Patient", "converted", None, 3), ("Claim", "ignored", "no rule", 0)))
    assert counted.records() == [
        row("Claim", "ignored", "no rule", 1, 0),
        row("Patient", "converted", None, 2, 5),
        row("Patient", "ignored", "no time", 1, 0),
    ]


def test_no_part_is_no_row() -> None:
    assert (Tally().records(), Tally().elements()) == ([], [])
    assert (add_tallies([]), add_elements([]), add_clocks([])) == ([], [], [])


def test_chunks_are_added_as_if_they_were_one() -> None:
    parts = [part(("A", "converted", None, n), ("B", "unreadable", "not JSON", 0)) for n in range(4)]
    whole, halves = Tally(), [Tally(), Tally()]
    for number, one in enumerate(parts):
        whole.add(one)
        halves[number % 2].add(one)
    assert add_tallies([half.records() for half in halves]) == whole.records()


def test_elements_are_counted_and_those_without_a_reason_come_first() -> None:
    counted = Tally()
    counted.add(part(elements={("A", "z", None): 2, ("A", "b", "why"): 1}))
    counted.add(part(elements={("A", "z", None): 3, ("A", "a", "why"): 1}))
    found = [(one["element"], one["reason"], one["records"]) for one in counted.elements()]
    assert found == [("z", None, 5), ("a", "why", 1), ("b", "why", 1)]
    assert add_elements([counted.elements(), counted.elements()])[0]["records"] == 10


def test_elements_without_end_are_counted_together(monkeypatch: Any) -> None:
    monkeypatch.setattr(tally, "_MOST", 2)
    counted = Tally()
    counted.add(part(elements={("A", name, None): 1 for name in "abcd"}))
    counted.add(part(elements={("A", "a", None): 1}))
    assert {one["element"]: one["records"] for one in counted.elements()} == {"a": 2, "b": 1, "others": 2}


def test_events_are_counted_by_where_their_zone_is_from() -> None:
    chunks = [[{"zone": "own", "events": 2}], [{"zone": "input", "events": 1}, {"zone": "own", "events": 3}]]
    assert add_clocks(chunks) == [{"zone": "input", "events": 1}, {"zone": "own", "events": 5}]


def test_a_precision_is_a_word_of_its_own() -> None:
    words = [precision.DAY, precision.MONTH, precision.YEAR, precision.MIDNIGHT]
    assert len(set(words)) == 4
    assert {precision.TIME_PRECISION, precision.KNOWN_AT}.isdisjoint(words)
