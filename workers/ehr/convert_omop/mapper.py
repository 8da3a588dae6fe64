"""From rows of tables to events, a column at a time."""

from collections.abc import Mapping, Sequence
from functools import reduce

import polars as pl

from schemas.errors import SpecError
from schemas.status import Status
from workers.ehr.convert_omop.concepts import Concepts, Looked
from workers.ehr.convert_omop.rules import Event, OmopRules, Table, column_of
from workers.ehr.convert_omop.tables import Rows
from workers.ehr.convert_omop.values import date_of, moments, number, said, text, whole
from workers.ehr.meds.parts import CONVERTED, IGNORED, OUTCOMES, UNREADABLE, Part, events_frame, with_all_columns

BAD = "a time or number that cannot be read"


class Columns:
    """The columns of some rows, each read once. A column that the table lacks is null."""

    def __init__(self, rows: Rows, concepts: Concepts) -> None:
        self.height = len(rows.broken)
        self._frame = rows.frame
        self._concepts = concepts
        self._looked: dict[str, Looked] = {}

    def has(self, name: str) -> bool:
        """Whether the table has the column."""
        return name in self._frame.columns

    def typed(self, name: str) -> pl.Series:
        """A column of ids, numbers or times as the table has it, null where it says that there is none."""
        return said(self._raw(name))

    def words(self, name: str) -> pl.Series:
        """A column of texts."""
        return text(said(self._raw(name), is_text=True))

    def _raw(self, name: str) -> pl.Series:
        return self._frame[name] if self.has(name) else pl.Series(name, [None] * self.height, pl.Null)

    def looked(self, name: str) -> Looked:
        """A column of concept ids, looked up."""
        if name not in self._looked:
            self._looked[name] = self._concepts.look_up(whole(self.typed(name)))
        return self._looked[name]

    def nulls(self, kind: pl.DataType | type[pl.DataType]) -> pl.Series:
        """As many as there are rows."""
        return pl.Series([None] * self.height, dtype=kind)

    def mask(self, value: bool) -> pl.Series:
        """As many as there are rows."""
        return pl.Series([value] * self.height, dtype=pl.Boolean)


class Mapped:
    """One event rule over some rows: columns, whether each row has all that is asked for, and what it lacks."""

    def __init__(self, event: Event, columns: Columns, words: Mapping[str, Mapping[int, str]]) -> None:
        self._columns = columns
        self._words = words
        names, saids = zip(*(self._part(part) for part in event.code), strict=True)
        frame = pl.DataFrame([column.alias(f"n{n}") for n, column in enumerate(names)])
        frame = frame.hstack([column.alias(f"s{n}") for n, column in enumerate(saids)])
        code = pl.concat_str([f"n{n}" for n in range(len(names))], separator="//")
        said = pl.concat_str([f"s{n}" for n in range(len(saids))], separator="; ", ignore_nulls=True)
        built = frame.select(code=code, said=said)
        self.code, self.said = built["code"], text(built["said"])
        self.time, time_said = self._moment(event.time)
        self.end, end_said = self._moment(event.end)
        numbers = [self._number(name) for name in (event.value, event.low, event.high)]
        self.value, self.low, self.high = (read for read, _ in numbers)
        self.text = self._text(event.text)
        self.unit = self._unit(event.unit)
        self.has_time = self.time["time"].is_not_null() if event.time else columns.mask(True)
        lost = [is_said & read.is_null() for read, is_said in numbers]
        lost += [is_said & read["time"].is_null() for read, is_said in ((self.time, time_said), (self.end, end_said))]
        self.bad = reduce(lambda left, right: left | right, lost)
        needed = [self.code.is_not_null(), self.has_time, *self._required(event)]
        self.whole = reduce(lambda left, right: left & right, needed)

    def _required(self, event: Event) -> list[pl.Series]:
        pairs = ((event.value, self.value), (event.text, self.text))
        return [column.is_not_null() for name, column in pairs if name and not name.endswith("?")]

    def _part(self, part: str) -> tuple[pl.Series, pl.Series]:
        """One part of the code, and what it means."""
        found, said = self._columns.nulls(pl.String), self._columns.nulls(pl.String)
        for choice in part.split("|"):
            name, meaning = self._choice(choice)
            said = said.zip_with(found.is_not_null(), meaning)
            found = found.fill_null(name)
        return found, said

    def _choice(self, choice: str) -> tuple[pl.Series, pl.Series]:
        nothing = self._columns.nulls(pl.String)
        if not choice.startswith("$"):
            return pl.Series([choice] * self._columns.height, dtype=pl.String), nothing
        name = choice[1:].removesuffix(".code")
        if name.endswith("_concept_id"):
            looked = self._columns.looked(name)
            return (looked.code if choice.endswith(".code") else looked.name), looked.said
        words = self._columns.words(name)
        return ("SOURCE/" + words if name.endswith("_source_value") else words), nothing

    def _moment(self, names: Sequence[str]) -> tuple[pl.DataFrame, pl.Series]:
        """The first of these times that is said, and whether any is."""
        found, any_said = moments(self._columns.nulls(pl.Null)), self._columns.mask(False)
        for name in names:
            raws = [self._columns.typed(part) for part in name.split("/")]
            is_said = raws[0].is_not_null()
            read = date_of(raws[0], raws[1], raws[2]) if len(raws) > 1 else moments(raws[0])
            keep = any_said | ~is_said
            found = pl.DataFrame([found[column].zip_with(keep, read[column]) for column in found.columns])
            any_said = any_said | is_said
        return found, any_said

    def _number(self, name: str | None) -> tuple[pl.Series, pl.Series]:
        """A column of numbers, and where the table says anything."""
        if name is None:
            return self._columns.nulls(pl.Float32), self._columns.mask(False)
        raw = self._columns.typed(column_of(name))
        return number(raw), raw.is_not_null()

    def _text(self, name: str | None) -> pl.Series:
        """A column of texts, or of what its ids mean by a table of words."""
        if name is None:
            return self._columns.nulls(pl.String)
        column, _, table = name.rstrip("?").partition("@")
        if not table:
            return self._columns.words(column)
        ids = whole(self._columns.typed(column))
        return ids.replace_strict(dict(self._words[table]), default=None, return_dtype=pl.String)

    def _unit(self, part: str | None) -> pl.Series:
        """The unit as the table says it: a concept's code, else the source's word."""
        found = self._columns.nulls(pl.String)
        for choice in part.split("|") if part else ():
            name = choice[1:]
            concept = name.endswith(".code")
            read = self._columns.looked(name.removesuffix(".code")).code if concept else self._columns.words(name)
            found = found.fill_null(read)
        return found


class OmopMapper:
    """Applies the rules to rows. Keeps nothing between two calls."""

    def __init__(self, rules: OmopRules, concepts: Concepts) -> None:
        self._rules = rules
        self._concepts = concepts

    def wanted(self, table: str) -> frozenset[str]:
        """The columns that are needed of a table."""
        rule = self._rules.tables.get(table)
        return rule.columns() if rule is not None else frozenset()

    def part(self, table: str, rows: Rows, file: int) -> Part:
        """Every row's outcome, and all their events. Raises SpecError where the table has no column of its subject."""
        rule, columns = self._rules.tables.get(table), Columns(rows, self._concepts)
        if rule is None:
            nothing = columns.mask(False)
            reasons = [(~nothing, Status.OK, IGNORED, "no rule for its table")]
            counts = pl.Series([0] * columns.height, dtype=pl.Int64)
            outcomes = _outcomes(rows, table, columns.nulls(pl.Int64), counts, reasons)
            return Part(events_frame(pl.Int64, {}), outcomes)
        if rule.subject not in rows.frame.columns and rows.broken.null_count():
            raise SpecError(
                f"table {table} has no column {rule.subject}, so nobody knows whose its rows are: rename the one "
                "that says it, or name it in input.rules; then choose another output.uri"
            )
        return self._mapped(table, rule, rows, columns, file)

    def _mapped(self, table: str, rule: Table, rows: Rows, columns: Columns, file: int) -> Part:
        raw = columns.typed(rule.subject)
        subject = whole(raw)
        visit = columns.words(rule.visit) if rule.visit else columns.nulls(pl.String)
        readable = rows.broken.is_null() & subject.is_not_null()
        count = pl.Series([0] * columns.height, dtype=pl.Int64)
        bad, timeless, codeless = columns.mask(False), columns.mask(False), columns.mask(False)
        frames: list[pl.DataFrame] = []
        for number_of_event, group in enumerate(rule.groups()):
            free = readable
            for event in group:
                mapped = Mapped(event, columns, self._rules.words)
                taken = free & mapped.whole
                frames.append(_events(mapped, taken, subject, visit, file, rows.first, number_of_event))
                count, free = count + taken.cast(pl.Int64), free & ~taken
                bad, timeless = bad | mapped.bad, timeless | ~mapped.has_time
                codeless = codeless | mapped.code.is_null()
        events = pl.concat(frames)
        converted = count > 0
        reasons = [
            (subject.is_null() & raw.is_not_null(), Status.UNREADABLE, UNREADABLE, "its person is no whole number"),
            (subject.is_null(), Status.OK, IGNORED, "no subject"),
            (converted & bad, Status.OK, CONVERTED, f"it has {BAD}"),
            (converted, Status.OK, CONVERTED, None),
            (bad, Status.UNREADABLE, UNREADABLE, BAD),
            (timeless, Status.OK, IGNORED, "no time"),
            (codeless, Status.OK, IGNORED, "no code"),
            (~converted, Status.OK, IGNORED, "nothing that rules name"),
        ]
        outcomes = _outcomes(rows, table, subject, count, reasons)
        said = events.unique("code", keep="first", maintain_order=True).select("code", "said")
        return Part(with_all_columns(events, pl.Int64), outcomes, dict(said.iter_rows()))


def _events(
    mapped: Mapped, taken: pl.Series, subject: pl.Series, visit: pl.Series, file: int, first: int, number_of_event: int
) -> pl.DataFrame:
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
            "said": mapped.said,
        }
    )
    numbered = frame.with_columns(
        file=pl.lit(file, pl.Int32),
        position=pl.int_range(first, first + pl.len(), dtype=pl.Int64),
        event=pl.lit(number_of_event, pl.Int32),
    )
    return numbered.filter(taken)


def _outcomes(
    rows: Rows,
    table: str,
    subject: pl.Series,
    count: pl.Series,
    reasons: Sequence[tuple[pl.Series, Status, str, str | None]],
) -> pl.DataFrame:
    """The first reason that holds is a row's; one that could not be read has its own."""
    frame = pl.DataFrame({"subject": subject, "broken": rows.broken, "n_events": count})
    frame = frame.hstack([mask.alias(f"m{n}") for n, (mask, *_) in enumerate(reasons)])
    broken = pl.col("broken").is_not_null()
    firsts = (pl.lit(str(rows.status)), pl.lit(UNREADABLE), pl.col("broken"))
    held: list[list[str | None]] = [
        [str(item[1]) for item in reasons],
        [item[2] for item in reasons],
        [item[3] for item in reasons],
    ]
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
        left_out=pl.lit(None, OUTCOMES["left_out"]),
    )


def _first_that_holds(values: Sequence[str | None]) -> pl.Expr:
    """The value of the first mask `m0`, `m1`, ... that is true."""
    chosen = pl.lit(None, pl.String)
    for number_of_mask, value in reversed(list(enumerate(values))):
        chosen = pl.when(f"m{number_of_mask}").then(pl.lit(value, pl.String)).otherwise(chosen)
    return chosen
