"""A diagnosis of which only the day is known, and a visit near it: what a prediction may know of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from schemas.errors import SpecError
from tests.support import history_format
from tests.support.meds import convert_spec, run_convert
from tests.support.runs import rows, run
from workers import registry
from workers.pipeline.frames import read_frame

Case = tuple[str, tuple[str, str], int]
"""When the diagnosis was recorded, start and end of the visit, and `n_events` at its end."""


@pytest.fixture(autouse=True)
def _a_model_that_says_what_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.FORMATS["events"], "history", history_format.__name__)


def lines(patient: str, recorded: str, visit: tuple[str, str]) -> list[str]:
    """A patient with a diagnosis and a visit."""
    subject = {"reference": f"Patient/{patient}"}
    resources = [
        {"resourceType": "Patient", "id": patient, "gender": "female", "birthDate": "1960-05-05"},
        {
            "resourceType": "Condition",
            "id": f"c-{patient}",
            "subject": subject,
            "code": {"coding": [{"system": "http://snomed.info/sct", "code": "44054006"}]},
            "recordedDate": recorded,
        },
        {
            "resourceType": "Encounter",
            "id": f"e-{patient}",
            "status": "finished",
            "class": {"code": "AMB"},
            "subject": subject,
            "period": dict(zip(("start", "end"), visit, strict=True)),
        },
    ]
    return [json.dumps(one) + "\n" for one in resources]


def write_resources(folder: Path, cases: Sequence[Case]) -> None:
    """Patients p0, p1, ... as FHIR has them."""
    found = [line for number, (recorded, visit, _) in enumerate(cases) for line in lines(f"p{number}", recorded, visit)]
    (folder / "all.ndjson").write_text("".join(found))


def write_tables(folder: Path, cases: Sequence[Case]) -> None:
    """Persons 0, 1, ... as OMOP has them; a date has no datetime beside it."""
    persons, visits, conditions = [], [], []
    for number, (recorded, visit, _) in enumerate(cases):
        persons.append(f"{number},female,1960,5,5\n")
        visits.append(f"{number},{number},0,{visit[0]},{visit[1]}\n")
        conditions.append(f"{number},{number},E11,{recorded},{recorded if 'T' in recorded else ''}\n")
    heads = {
        "person": ("person_id,gender_source_value,year_of_birth,month_of_birth,day_of_birth\n", persons),
        "visit_occurrence": (
            "visit_occurrence_id,person_id,visit_concept_id,visit_start_datetime,visit_end_datetime\n",
            visits,
        ),
        "condition_occurrence": (
            "condition_occurrence_id,person_id,condition_source_value,condition_start_date,condition_start_datetime\n",
            conditions,
        ),
    }
    for name, (head, rows_of) in heads.items():
        (folder / f"{name}.csv").write_text(head + "".join(rows_of))


def known(folder: Path, cases: Sequence[Case], setting: str, precision: str = "mixed", kind: str = "fhir") -> list[int]:
    """`n_events` of each: birth, gender, start and end of the visit, and maybe the diagnosis."""
    (folder / "in").mkdir(exist_ok=True)
    {"fhir": write_resources, "omop": write_tables}[kind](folder / "in", cases)
    store = run_convert(convert_spec(f"format: {kind}, uri: {folder / 'in'}{setting}", str(folder / "out")))
    model = history_format.write_model(folder / "model")
    run(
        f"job: predict\nname: p\ninput: {{collection: events, uri: {folder / 'out/meds'}, task: {{every: visit_end}}, "
        f"time_precision: {precision}}}\nmodels: {{history: {{uri: {model}}}}}\n"
        f"output: {{uri: {folder / precision}}}\ncompute: {{pool: serial}}\n"
    )
    found = rows(folder / precision).with_columns(pl.col("subject_id").cast(pl.Int64))
    if kind == "omop":
        counts = {f"p{subject}": count for subject, count in found.select("subject_id", "n_events").iter_rows()}
    else:
        names = pl.concat(read_frame(store, info.key) for info in store.list("subjects/"))
        counts = dict(found.join(names, "subject_id").select("source_id", "n_events").iter_rows())
    return [counts[f"p{number}"] for number in range(len(cases))]


WEST = ("2024-03-05T19:30:00-05:00", "2024-03-05T20:00:00-05:00")
EAST = ("2024-03-06T08:00:00+11:00", "2024-03-06T09:00:00+11:00")
MORNING = ("2024-03-05T08:00:00-05:00", "2024-03-05T09:00:00-05:00")
WEST_IN_UTC = ("2024-03-06T00:30:00Z", "2024-03-06T01:00:00Z")
EAST_IN_UTC = ("2024-03-05T21:00:00Z", "2024-03-05T22:00:00Z")

BY_ZONE: dict[str, list[Case]] = {
    "": [
        ("2024-03-05", WEST, 4),
        ("2024-03-05", EAST, 5),
        ("2024-03-05T00:00:00-05:00", MORNING, 4),
        ("2024-03-04", WEST, 5),
        ("2024-03-06", EAST, 4),
        # All times in UTC: nothing of a day is known before it has ended everywhere.
        ("2024-03-05", WEST_IN_UTC, 4),
        ("2024-03-05", ("2024-03-06T12:30:00Z", "2024-03-06T13:00:00Z"), 5),
        ("2024-03", ("2024-03-31T10:00:00+01:00", "2024-03-31T11:00:00+01:00"), 4),
    ],
    ", timezone: America/New_York": [
        ("2024-03-05", WEST, 4),
        ("2024-03-05", WEST_IN_UTC, 4),
        ("2024-03-05T00:00:00", ("2024-03-05T10:00:00", "2024-03-05T11:00:00"), 4),
        # The day on which clocks go back ends at 05:00 UTC and not at 04:00.
        ("2024-11-03", ("2024-11-04T04:00:00Z", "2024-11-04T04:59:59Z"), 4),
        ("2024-11-03", ("2024-11-04T04:00:00Z", "2024-11-04T05:00:01Z"), 5),
        # The day on which they go forward ends at 04:00 UTC and not at 05:00.
        ("2024-03-10", ("2024-03-11T03:00:00Z", "2024-03-11T03:59:59Z"), 4),
        ("2024-03-10", ("2024-03-11T03:00:00Z", "2024-03-11T04:30:00Z"), 5),
        # Half past one comes twice in that night: a time without a zone is the later one, 06:30 UTC.
        ("2024-11-03T01:30:00", ("2024-11-03T05:00:00Z", "2024-11-03T06:29:00Z"), 4),
        ("2024-11-03T01:30:00", ("2024-11-03T05:00:00Z", "2024-11-03T06:31:00Z"), 5),
    ],
    ", timezone: Australia/Sydney": [("2024-03-05", EAST, 5), ("2024-03-05", EAST_IN_UTC, 5)],
}


@pytest.mark.parametrize("kind", ["fhir", "omop"])
@pytest.mark.parametrize("setting", BY_ZONE)
def test_a_day_is_known_when_it_has_ended_where_it_was_and_not_before(tmp_path: Path, setting: str, kind: str) -> None:
    # A column of dates of OMOP has no month alone.
    cases = [case for case in BY_ZONE[setting] if kind == "fhir" or len(case[0]) > len("2024-03")]
    assert known(tmp_path, cases, setting, kind=kind) == [count for *_, count in cases]


@pytest.mark.parametrize("kind", ["fhir", "omop"])
def test_exact_times_take_midnight_for_a_moment_and_a_day_for_a_day(tmp_path: Path, kind: str) -> None:
    cases = [("2024-03-05T00:00:00-05:00", MORNING, 5), ("2024-03-05", MORNING, 4)]
    assert known(tmp_path, cases, "", "exact", kind) == [5, 4]


def test_a_zone_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"timezone.*Europe/Berlin"):
        known(tmp_path, [("2024-03-05", MORNING, 5)], ", timezone: CEST/Mars")
