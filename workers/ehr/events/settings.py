"""What a spec says of collection `events`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field, field_validator, model_validator

from schemas.frozen import Frozen
from schemas.location import Location

VISIT_ENDS = ("ENCOUNTER_END", "VISIT_END", "HOSPITAL_DISCHARGE", "DISCHARGE")
"""Codes that end a visit, alone or before `//`."""


class TaskInput(Frozen):
    """For whom and when to predict: exactly one of `labels`, `every`, `at` and `aces`.

    `labels` is a table in the MEDS label schema, a Parquet file or a folder of them: one record a row. `every:
    visit_end` makes one at each time that has a code of `codes`, given whole or as what comes before `//`. `at` makes
    one a subject at a fixed time; a date is its midnight. `aces` is a cohort definition in ACES YAML, and `predicates`
    a second file that fills in or replaces its predicates.

    With `every` and `at` a record is only planned if its history up to then has at least `min_events` events with a
    time, the first of them `min_days` days or more before the prediction time.
    """

    labels: Location | None = Field(
        default=None,
        description="a table in the MEDS label schema, a Parquet file or a folder of them: one record a row",
    )
    every: Literal["visit_end"] | None = Field(
        default=None, description="one record at each time that has a code of codes"
    )
    at: datetime | None = Field(default=None, description="one record a subject at this time; a date is its midnight")
    aces: Location | None = Field(default=None, description="a cohort definition in ACES YAML")
    predicates: Location | None = Field(
        default=None, description="of an ACES cohort: a second file that fills in or replaces its predicates"
    )
    codes: tuple[str, ...] = Field(
        default=VISIT_ENDS,
        min_length=1,
        description="with every: codes that end a visit, given whole or as what comes before //",
    )
    min_events: int = Field(
        default=0, ge=0, description="with every and at: events with a time that a history must have up to then"
    )
    min_days: float = Field(
        default=0.0,
        ge=0,
        allow_inf_nan=False,
        description="with every and at: days between the first event and the prediction time",
    )

    @field_validator("at", mode="before")
    @classmethod
    def _midnight(cls, value: object) -> object:
        if isinstance(value, date) and not isinstance(value, datetime):
            return datetime(value.year, value.month, value.day)
        return value

    @model_validator(mode="after")
    def _one_kind(self) -> TaskInput:
        given = [name for name in ("labels", "every", "at", "aces") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"task needs exactly one of labels, every, at and aces; it has {' and '.join(given) or 'none'}"
            )
        if self.at is not None and self.at.tzinfo is not None:
            raise ValueError("task.at has a time zone, and times in MEDS have none: leave it out")
        if given[0] in ("labels", "aces") and (self.min_events or self.min_days):
            raise ValueError("task.min_events and task.min_days go with every and at; a table or cohort says it itself")
        if given[0] != "every" and self.codes != VISIT_ENDS:
            raise ValueError("task.codes goes with task.every")
        if given[0] != "aces" and self.predicates is not None:
            raise ValueError("task.predicates goes with task.aces")
        return self

    @property
    def reads_events(self) -> bool:
        """Whether the events themselves say when to predict."""
        return self.labels is None and (self.at is None or self.min_events > 0 or self.min_days > 0)


class EventsInput(Frozen):
    """`input:` of a spec over histories of events in MEDS 0.3 or 0.4.

    `uri` is the root of the dataset: `data/**/*.parquet`, and `metadata/dataset.json` where there is one. One record is
    a subject at a prediction time. `carry` names columns of the label table.

    A model gets the events up to and including the prediction time, and those without a time. With
    `time_precision: mixed` an event at midnight may stand for its whole day; on the day of the prediction it is left
    out. With `exact` midnight is a time like any other. Data that say themselves how precise a time is (`known_at`, as
    a conversion writes it) are taken at their word: a day is a day with both.

    MEDS wants a subject's rows together, in one file, sorted by time. `repair: none` refuses what is not so;
    `repair: sort` gathers and sorts each subject as it is read, which costs reading.
    """

    collection: Literal["events"] = Field(description="events: histories of patients in MEDS 0.3 or 0.4")
    uri: Location = Field(description="root of the MEDS dataset, which holds data/**/*.parquet")
    task: TaskInput = Field(description="for whom and when to predict: one of labels, every, at and aces")
    carry: tuple[str, ...] = Field(default=(), description="columns of the label table that come along to the output")
    time_precision: Literal["mixed", "exact"] = Field(
        default="mixed",
        description="whether an event at midnight may stand for its whole day (mixed) or is at midnight (exact)",
    )
    repair: Literal["none", "sort"] = Field(
        default="none",
        description="of a dataset whose subjects are torn apart or unsorted: refused (none), or gathered "
        "and sorted while reading",
    )

    @model_validator(mode="after")
    def _carry_of_tables(self) -> EventsInput:
        if self.carry and (self.task.every or self.task.at):
            raise ValueError("carry names columns of a label table or cohort, and the task is a rule")
        return self


INPUT = EventsInput
"""What `input:` of a spec is checked against."""
