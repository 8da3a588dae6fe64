"""From rows of tables to events, a column at a time."""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from schemas.errors import SpecError
from schemas.status import Status
from workers.ehr.convert_omop.account import ColumnAccount, Reasons, unread
from workers.ehr.convert_omop.columns import Columns
from workers.ehr.convert_omop.concepts import Concepts
from workers.ehr.convert_omop.events import Asked, Mapped
from workers.ehr.convert_omop.rules import OmopRules, Table
from workers.ehr.convert_omop.tables import Rows
from workers.ehr.convert_omop.values import whole
from workers.ehr.convert_omop.versions import SHARED
from workers.ehr.meds.parts import (
    CONVERTED,
    IGNORED,
    OUTCOMES,
    PARTLY,
    UNREADABLE,
    Part,
    events_frame,
    with_all_columns,
)
from workers.ehr.meds.rules import NO_CODE_IN_PROFILE, Profile

BAD = "a time or number that cannot be read"
NO_RULE_FOR_TABLE = "no rule for its table"

Reason = tuple[pl.Series, Status, str, str | pl.Series | None]
"""Rows, and what becomes of them and why, where nothing before says otherwise."""


class OmopMapper:
    """Applies the rules to rows. Keeps nothing between two calls."""

    def __init__(self, rules: OmopRules, concepts: Concepts, profile: Profile = "wardround") -> None:
        self._rules = rules
        self._concepts = concepts
        self._asked = Asked(rules, profile)
        self._reasons = {name: Reasons(table, rules) for name, table in rules.tables.items()}
        self._ignored = {name: reason for reason, names in rules.ignored.items() for name in names}

    def wanted(self, table: str) -> frozenset[str]:
        """The columns that are needed of a table."""
        rule = self._rules.tables.get(table)
        return rule.columns() if rule is not None else frozenset()

    def part(self, table: str, rows: Rows, file: int, superseded: pl.DataFrame | None = None) -> Part:
        """Every row's outcome, and all their events. `superseded` says of rows of this file that others count.

        Raises SpecError where the table has no column of its subject.
        """
        rule, columns = self._rules.tables.get(table), Columns(rows, self._concepts)
        if rule is None:
            why = self._ignored.get(table, NO_RULE_FOR_TABLE)
            reasons: list[Reason] = [(columns.mask(True), Status.OK, IGNORED, why)]
            told = _Told(columns.nulls(pl.Int64), _zeros(columns), columns.nulls(pl.List(pl.String)))
            return Part(
                events_frame(pl.Int64, {}), _outcomes(rows, table, told, reasons), {}, unread(columns, table, why)
            )
        if rule.subject not in rows.frame.columns and rows.broken.null_count():
            raise SpecError(
                f"table {table} has no column {rule.subject}, so nobody knows whose its rows are: rename the one "
                "that says it, or name it in input.rules; then choose another output.uri"
            )
        return self._mapped(table, rule, rows, columns, _Source(file, _repeated(rows, superseded)))

    def _mapped(self, table: str, rule: Table, rows: Rows, columns: Columns, source: "_Source") -> Part:
        account = ColumnAccount(columns, self._reasons[table])
        raw = columns.typed(rule.subject)
        subject = whole(raw)
        shared = (source.repeated == SHARED).fill_null(False)
        refused = source.repeated.set(shared, None).fill_null(self._refused(rule, columns, account))
        found = _Found(columns, rows.broken.is_null() & subject.is_not_null() & refused.is_null())
        visit = columns.words(rule.visit) if rule.visit else columns.nulls(pl.String)
        for number, group in enumerate(rule.groups()):
            free = found.open
            for event in group:
                mapped = Mapped(event, columns, self._asked)
                taken = free & mapped.whole
                free = free & ~taken
                found.note(mapped, taken)
                if not mapped.is_off:
                    place = _Place(source.file, rows.first, number)
                    found.frames.append(_events(mapped, taken, subject, visit, place))
                    for name, mask in mapped.used():
                        account.use(name, taken & mask)
        converted = found.count > 0
        for name in (rule.subject, *((rule.visit,) if rule.visit else ())):
            account.use(name, converted)
        elements, left_out = account.finish(converted, table)
        reasons: list[Reason] = [
            (subject.is_null() & raw.is_not_null(), Status.UNREADABLE, UNREADABLE, "its person is no whole number"),
            (subject.is_null(), Status.OK, IGNORED, "no subject"),
            (refused.is_not_null(), Status.OK, IGNORED, refused),
            (converted & found.bad, Status.OK, PARTLY, f"it has {BAD}"),
            (converted & shared, Status.OK, PARTLY, SHARED),
            (converted & account.is_part, Status.OK, PARTLY, None),
            (converted, Status.OK, CONVERTED, None),
            (found.bad, Status.UNREADABLE, UNREADABLE, BAD),
            (found.off, Status.OK, IGNORED, NO_CODE_IN_PROFILE),
            (found.timeless, Status.OK, IGNORED, "no time"),
            (found.codeless, Status.OK, IGNORED, "no code"),
            (~converted, Status.OK, IGNORED, "nothing that rules name"),
        ]
        outcomes = _outcomes(rows, table, _Told(subject, found.count, left_out), reasons)
        events = pl.concat(found.frames) if found.frames else events_frame(pl.Int64, {}).with_columns(said=pl.lit(""))
        said = events.unique("code", keep="first", maintain_order=True).select("code", "said")
        return Part(with_all_columns(events, pl.Int64), outcomes, dict(said.iter_rows()), elements)

    def _refused(self, rule: Table, columns: Columns, account: ColumnAccount) -> pl.Series:
        """Why a row does not say what it seems to, null where it does."""
        told = rule.told()
        refused = columns.nulls(pl.String)
        for names in dict.fromkeys((*rule.unless, *told)):
            stem = names.partition("|")[0].removesuffix("_concept_id").removesuffix("_source_value")
            for name in names.split("|"):
                meant = self._asked.meanings.of(columns, name)
                if names in told:
                    account.mean(name, meant)
                reason = pl.Series([f"its {stem} says: "] * columns.height, dtype=pl.String) + meant
                refused = refused.fill_null(reason.set(~meant.is_in(rule.unless.get(names, ())).fill_null(False), None))
        return refused


class _Source(NamedTuple):
    """The file of some rows, and what is said of rows whose key comes again."""

    file: int
    repeated: pl.Series


def _repeated(rows: Rows, superseded: pl.DataFrame | None) -> pl.Series:
    """Why another row counts, null where none does."""
    height = len(rows.broken)
    if superseded is None or superseded.is_empty():
        return pl.Series([None] * height, dtype=pl.String)
    places = pl.DataFrame({"position": pl.int_range(rows.first, rows.first + height, dtype=pl.Int64, eager=True)})
    return places.join(superseded, "position", "left", maintain_order="left")["reason"]


class _Place(NamedTuple):
    """Where events come from: file, number of its first row, number of the rule."""

    file: int
    first: int
    event: int


class _Told(NamedTuple):
    """Columns of the outcomes."""

    subject: pl.Series
    n_events: pl.Series
    left_out: pl.Series


class _Found:
    """What the rules of a table find in some rows. `open` are those that may give events."""

    def __init__(self, columns: Columns, open_rows: pl.Series) -> None:
        self.open = open_rows
        self.count = _zeros(columns)
        self.bad, self.timeless, self.codeless, self.off = (columns.mask(False) for _ in range(4))
        self.frames: list[pl.DataFrame] = []

    def note(self, mapped: Mapped, taken: pl.Series) -> None:
        """What one rule took, and what it lacked where it was asked."""
        asked = mapped.holds
        self.bad = self.bad | (mapped.bad & asked)
        self.timeless = self.timeless | (~mapped.has_time & asked)
        self.codeless = self.codeless | (mapped.code.is_null() & asked)
        if mapped.is_off:
            self.off = self.off | taken
        else:
            self.count = self.count + taken.cast(pl.Int64)


def _zeros(columns: Columns) -> pl.Series:
    return pl.Series([0] * columns.height, dtype=pl.Int64)


def _events(mapped: Mapped, taken: pl.Series, subject: pl.Series, visit: pl.Series, place: _Place) -> pl.DataFrame:
    """Events of the rows that are taken."""
    frame = pl.DataFrame(
        {
            "subject": subject,
            **mapped.time.to_dict(),
            "end": mapped.end["time"],
            "end_offset": mapped.end["offset"],
            "code": mapped.code,
            "numeric_value": mapped.value,
            "text_value": mapped.text,
            "unit": mapped.unit,
            "visit_id": visit,
            "range_low": mapped.low,
            "range_high": mapped.high,
            "interpretation": mapped.interpretation,
            "qualifier": mapped.qualifier,
            "said": mapped.said,
        }
    )
    numbered = frame.with_columns(
        file=pl.lit(place.file, pl.Int32),
        position=pl.int_range(place.first, place.first + pl.len(), dtype=pl.Int64),
        event=pl.lit(place.event, pl.Int32),
    )
    return numbered.filter(taken)


def _outcomes(rows: Rows, table: str, told: _Told, reasons: Sequence[Reason]) -> pl.DataFrame:
    """The first reason that holds is a row's; one that could not be read has its own."""
    frame = pl.DataFrame(
        {"subject": told.subject, "broken": rows.broken, "n_events": told.n_events, "left_out": told.left_out}
    )
    masks = [mask.alias(f"m{n}") for n, (mask, *_) in enumerate(reasons)]
    whys = [why.alias(f"w{n}") for n, (*_, why) in enumerate(reasons) if isinstance(why, pl.Series)]
    frame = frame.hstack([*masks, *whys])
    broken = pl.col("broken").is_not_null()
    firsts = (pl.lit(str(rows.status)), pl.lit(UNREADABLE), pl.col("broken"))
    held = zip(*((str(status), outcome, why) for _, status, outcome, why in reasons), strict=True)
    status, outcome, reason = (
        pl.when(broken).then(first).otherwise(_first_that_holds(values))
        for first, values in zip(firsts, held, strict=True)
    )
    known = pl.when(~broken).then(pl.col("subject"))
    return frame.select(
        subject=known,
        status=status,
        outcome=outcome,
        reason=reason,
        kind=pl.lit(table),
        n_events="n_events",
        left_out=pl.col("left_out").cast(OUTCOMES["left_out"]),
    )


def _first_that_holds(values: Sequence[str | pl.Series | None]) -> pl.Expr:
    """The value of the first mask `m0`, `m1`, ... that is true; of a column `w0`, `w1`, ... that of the row."""
    chosen = pl.lit(None, pl.String)
    for number, value in reversed(list(enumerate(values))):
        said = pl.col(f"w{number}") if isinstance(value, pl.Series) else pl.lit(value, pl.String)
        chosen = pl.when(f"m{number}").then(said).otherwise(chosen)
    return chosen
