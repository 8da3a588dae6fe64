"""One event rule over some rows, a column at a time, and which columns of which rows went into it."""

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce

import polars as pl

from workers.ehr.convert_omop.columns import Columns
from workers.ehr.convert_omop.meanings import Meanings
from workers.ehr.convert_omop.rules import COMPARATOR, Event, OmopRules, plain_column, texts_of
from workers.ehr.convert_omop.values import comparator, date_of, moments, number, text, through, whole
from workers.ehr.meds.rules import Profile
from workers.ehr.meds.units import normal_unit

_SOURCE_CONCEPT, _CONCEPT, _SOURCE = "_source_concept_id", "_concept_id", "_source_value"


class Asked:
    """What all event rules need to know of the rules as a whole."""

    def __init__(self, rules: OmopRules, profile: Profile) -> None:
        self.rules = rules
        self.profile = profile
        self.meanings = Meanings(rules.meanings)


class Mapped:
    """One event rule over some rows: columns, whether each row has all that is asked for, and what it lacks.

    `is_off`: the profile has no code for it, so that its rows are taken and give no event.
    """

    def __init__(self, event: Event, columns: Columns, asked: Asked) -> None:
        self._columns = columns
        self._asked = asked
        self._used: list[tuple[str, pl.Series]] = []
        given = event.codes.get(asked.profile)
        self.is_off = given == ()
        self.code, self.said, more = self._code(event, given)
        self.time, time_said = self._moment(event.time)
        ended, end_said = self._moment(event.end)
        self.end = through(ended)
        read = [self._number(name) for name in (event.value, event.low, event.high)]
        self.value, self.low, self.high = (values for values, _ in read)
        self.text = self._text(event.text).fill_null(more)
        self.unit, _ = self._first(event.unit)
        self.qualifier = self._called(event.qualifier)
        self.interpretation = self._called(event.interpretation)
        self.has_time = self.time["time"].is_not_null() if event.time else columns.mask(True)
        lost = [is_said & values.is_null() for values, is_said in read]
        lost += [is_said & one["time"].is_null() for one, is_said in ((self.time, time_said), (ended, end_said))]
        self.bad = _any(lost)
        self.holds = self._when(event.when)
        needed = [self.code.is_not_null(), self.has_time, self.holds, *self._required(event)]
        self.whole = reduce(lambda left, right: left & right, needed)

    def used(self) -> Iterator[tuple[str, pl.Series]]:
        """Columns, and the rows in which they say something of the event."""
        return iter(self._used)

    def _required(self, event: Event) -> list[pl.Series]:
        pairs = ((event.value, self.value), (event.text, self.text))
        return [column.is_not_null() for name, column in pairs if name and not name.endswith("?")]

    def _code(self, event: Event, given: Sequence[str] | None) -> tuple[pl.Series, pl.Series, pl.Series]:
        """The code, what it means, and the text that it has where the profile's code says less than ours."""
        parts = list(given or event.code)
        is_plain = self._asked.profile != "wardround"
        if is_plain and not given:
            # As of FHIR: the first part that is looked up, alone; what others say is its text, and no unit.
            looked_up = [part for part in parts if part.startswith("$") and "@unit" not in part]
            (code, said), *others = [self._first(part) for part in looked_up or parts[:1]]
            meant = [meaning.fill_null(name) for name, meaning in others]
            return code, said, _joined(meant, "; ", self._columns)
        names, saids = zip(*(self._first(part) for part in parts), strict=True)
        frame = pl.DataFrame([name.alias(f"{n}") for n, name in enumerate(names)])
        joined = frame.select(pl.concat_str(pl.all(), separator="/" if is_plain else "//"))
        return joined.to_series(), _joined(saids, "; ", self._columns), self._columns.nulls(pl.String)

    def _first(self, part: str | None) -> tuple[pl.Series, pl.Series]:
        """The first alternative of a part of a code that is there, and what it means."""
        found, said = self._columns.nulls(pl.String), self._columns.nulls(pl.String)
        for choice in self._ordered(part):
            name, meaning = self._choice(choice)
            if choice.startswith("$"):
                self._used.append((plain_column(choice), found.is_null() & name.is_not_null()))
            said = said.zip_with(found.is_not_null(), meaning)
            found = found.fill_null(name)
        return found, said

    def _ordered(self, part: str | None) -> list[str]:
        """The alternatives; meds_etl takes the source's concept before the standard one."""
        choices = part.split("|") if part else []
        if self._asked.profile == "meds_etl":
            choices.sort(key=lambda choice: not choice.endswith(_SOURCE_CONCEPT))
        return choices

    def _choice(self, choice: str) -> tuple[pl.Series, pl.Series]:
        nothing = self._columns.nulls(pl.String)
        if not choice.startswith("$"):
            return pl.Series([choice] * self._columns.height, dtype=pl.String), nothing
        name = plain_column(choice)
        if choice.endswith("@unit"):
            return self._normal_unit(name)
        if name.endswith(_CONCEPT):
            looked = self._columns.looked(name)
            return (looked.code if choice.endswith(".code") else looked.name), looked.said
        words = self._columns.words(name)
        return ("SOURCE/" + words if name.endswith(_SOURCE) else words), nothing

    def _normal_unit(self, name: str) -> tuple[pl.Series, pl.Series]:
        """The code of a concept that the concept table has, or the source's word, in one spelling; and its name."""
        said = self._columns.nulls(pl.String)
        if name.endswith(_CONCEPT):
            looked = self._columns.looked(name)
            said, words = looked.said, looked.code.set(looked.said.is_null(), None)
        else:
            words = self._columns.words(name)
        units = self._asked.rules.units
        known = {word: normal_unit(word, units) for word in words.drop_nulls().unique().to_list()}
        return (words.replace_strict(known, default=None, return_dtype=pl.String) if known else words), said

    def _moment(self, names: Sequence[str]) -> tuple[pl.DataFrame, pl.Series]:
        """The first of these times that is said, and whether any is."""
        found, any_said = moments(self._columns.nulls(pl.Null)), self._columns.mask(False)
        for name in names:
            columns = name.split("/")
            raws = [self._columns.typed(part) for part in columns]
            is_said = raws[0].is_not_null()
            read = date_of(raws[0], raws[1], raws[2]) if len(raws) > 1 else moments(raws[0])
            keep = any_said | ~is_said
            self._used += [(column, ~keep & read["time"].is_not_null()) for column in columns]
            found = pl.DataFrame([found[column].zip_with(keep, read[column]) for column in found.columns])
            any_said = any_said | is_said
        return found, any_said

    def _number(self, name: str | None) -> tuple[pl.Series, pl.Series]:
        """A column of numbers, and where the table says anything."""
        if name is None:
            return self._columns.nulls(pl.Float32), self._columns.mask(False)
        (column,) = texts_of(name)
        raw = self._columns.typed(column)
        read = number(raw)
        self._used.append((column, read.is_not_null()))
        return read, raw.is_not_null()

    def _text(self, name: str | None) -> pl.Series:
        """The first of columns of texts, of what ids mean by a table of words, of signs before a number."""
        found = self._columns.nulls(pl.String)
        for choice in name.rstrip("?").split("|") if name else ():
            column, _, table = choice.partition("@")
            if table == COMPARATOR:
                read = comparator(self._columns.words(column), self.value)
            elif table:
                ids = whole(self._columns.typed(column))
                read = ids.replace_strict(dict(self._asked.rules.words[table]), default=None, return_dtype=pl.String)
            else:
                read = self._columns.words(column)
            self._used.append((column, found.is_null() & read.is_not_null()))
            # An empty word of a table says that nothing is to be said.
            found = found.fill_null(text(read))
        return found

    def _called(self, part: str | None) -> pl.Series:
        """What the first of these columns is called that says anything."""
        found = self._columns.nulls(pl.String)
        for choice in part.split("|") if part else ():
            called = self._asked.meanings.called(self._columns, plain_column(choice))
            self._used.append((plain_column(choice), found.is_null() & called.is_not_null()))
            found = found.fill_null(called)
        return found

    def _when(self, asked: Mapping[str, tuple[str, ...]]) -> pl.Series:
        """Whether columns say what they have to."""
        found = self._columns.mask(True)
        for names, meanings in asked.items():
            said = [self._asked.meanings.of(self._columns, name).is_in(meanings) for name in names.split("|")]
            found = found & _any([one.fill_null(False) for one in said])
        return found


def _joined(texts: Sequence[pl.Series], separator: str, columns: Columns) -> pl.Series:
    """What is said, without what is not; null where nothing is."""
    if not texts:
        return columns.nulls(pl.String)
    frame = pl.DataFrame([one.alias(f"{n}") for n, one in enumerate(texts)])
    return text(frame.select(pl.concat_str(pl.all(), separator=separator, ignore_nulls=True)).to_series())


def _any(masks: Sequence[pl.Series]) -> pl.Series:
    return reduce(lambda left, right: left | right, masks)
