"""One event rule, compiled: from a resource to an event, and which of its elements went into it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from workers.ehr.convert_fhir.coding import Finder, Named, Vocabulary, compile_part
from workers.ehr.convert_fhir.leftovers import ANOTHER_TIME
from workers.ehr.convert_fhir.places import Path, Place, Step, find, steps_of, words_at
from workers.ehr.convert_fhir.rules import Event
from workers.ehr.convert_fhir.values import Read, read_number, read_text, read_unit
from workers.ehr.fhir.times import Moment, parse_time
from workers.ehr.meds.precision import DAY as A_DAY
from workers.ehr.meds.precision import MONTH, YEAR
from workers.ehr.meds.rules import NO_CODE_IN_PROFILE, Profile

NO_CODE, NO_TIME, NO_VALUE, NO_TEXT = "no code", "no time", "no value", "no text inside it"
BAD = "a time, number or text that cannot be read"
NOT_HERE = "not of this kind"


_SLASHES = re.compile("/{2,}")


@dataclass
class Found:
    """An event of one resource. `time` is None for what is static."""

    code: str
    description: str | None = None
    time: Moment | None = None
    value: float | None = None
    text: str | None = None
    unit: str | None = None
    end: Moment | None = None
    low: float | None = None
    high: float | None = None
    interpretation: str | None = None
    used: list[Path] = field(default_factory=list)
    beside: dict[Path, str] = field(default_factory=dict)
    """Paths that were looked at and do not count, and why."""
    lacks: str | None = None


class Where:
    """A path of a rule: from the resource, or with a dot at its start from the item; `?`: may be missing."""

    def __init__(self, text: str) -> None:
        self.required = not text.endswith("?")
        self.steps: tuple[Step, ...] = steps_of(text.rstrip("?"))
        self._of_item = text.startswith(".")

    def find(self, finder: Finder) -> Place | None:
        """What is there."""
        return find(finder.item if self._of_item else finder.resource, self.steps)


def where(text: str | None) -> Where | None:
    """A path that a rule may have."""
    return None if text is None else Where(text)


class EventRule:
    """One `events` entry of the rules, compiled. `times` are those of the resource, where the event names none."""

    def __init__(self, rule: Event, times: Iterable[str], vocabulary: Vocabulary, profile: Profile) -> None:
        self.each = None if rule.each is None else steps_of(rule.each)
        self._plain = profile != "wardround"
        given = rule.codes.get(profile)
        self._is_off = given == ()
        code = given or rule.code
        self._literal = [not part.startswith("$") or "@unit" in part for part in code]
        self._shorten = self._plain and given is None
        # Codes of OHDSI's vocabularies: Gender/F, Visit/IP.
        self._joint = "/" if self._plain else "//"
        self._parts = [compile_part(part, vocabulary) for part in code]
        self._time_key = tuple(times if rule.time is None else rule.time)
        self._times = [Where(path) for path in self._time_key]
        self._of_item = any(path.startswith(".") for path in self._time_key)
        self._value, self._text, self._absent = where(rule.value), where(rule.text), where(rule.absent)
        self._when = [(f"when {path}", steps_of(path), frozenset(values)) for path, values in rule.when.items()]
        self._unit, self._end = where(rule.unit), where(rule.end)
        self._bounds = [("low", where(rule.low)), ("high", where(rule.high))]
        self._interpretation = compile_part(rule.interpretation, vocabulary) if rule.interpretation else None
        self._vocabulary = vocabulary

    def apply(self, finder: Finder) -> Found | str:
        """The event, or what it lacks."""
        if self._absent is not None and self._absent.find(finder) is not None:
            return NOT_HERE
        for key, steps, values in self._when:
            # Rules of one resource ask for the same words.
            if key not in finder.shared:
                finder.shared[key] = words_at(finder.resource.node, steps)
            if values.isdisjoint(finder.shared[key]):
                return NOT_HERE
        if self._is_off:
            return NO_CODE_IN_PROFILE
        names = [part(finder) for part in self._parts]
        if any(name is None for name in names):
            return NO_CODE
        found = self._named([name for name in names if name is not None])
        found.used += [(steps[0].name,) for _, steps, _ in self._when]
        for fill in (self._fill_value, self._fill_text, self._fill_time):
            lack = fill(finder, found)
            if lack is not None:
                return lack
        self._fill_more(finder, found)
        return found

    def _named(self, names: list[Named]) -> Found:
        """In a profile of plain codes the first part that is looked up is the code; what else is said is its text."""
        used = [path for name in names for path in name.used]
        lacks = next((name.lacks for name in names if name.lacks), None)
        said = "; ".join(name.said for name in names if name.said) or None
        if not self._shorten:
            return Found(self._joint.join(_part(name.name) for name in names), said, used=used, lacks=lacks)
        looked_up = [name for name, is_literal in zip(names, self._literal, strict=True) if not is_literal] or names[:1]
        text = "; ".join(name.said or name.name for name in looked_up[1:]) or None
        return Found(_part(looked_up[0].name), looked_up[0].said, text=text, used=used, lacks=lacks)

    def _fill_value(self, finder: Finder, found: Found) -> str | None:
        if self._value is None:
            return None
        place = self._value.find(finder)
        if place is None:
            return NO_VALUE if self._value.required else None
        read = read_number(place)
        if read.value is None:
            return BAD
        assert isinstance(read.value, float)
        found.value = read.value
        found.used += read.used
        return None

    def _fill_text(self, finder: Finder, found: Found) -> str | None:
        if self._text is None:
            return None
        place = self._text.find(finder)
        read = read_text(place) if place is not None else Read(None, ())
        if isinstance(read.value, str):
            found.text = read.value
            found.used += read.used
            return None
        return NO_VALUE if self._text.required else None

    def _fill_time(self, finder: Finder, found: Found) -> str | None:
        """The first time that is said; the others count no more."""
        if not self._times:
            return None
        kept = finder.own if self._of_item else finder.shared
        if self._time_key not in kept:
            said = [place for place in (path.find(finder) for path in self._times) if place is not None]
            first = said[0].node if said else None
            kept[self._time_key] = said, parse_time(first) if type(first) is str else None
        said, found.time = kept[self._time_key]
        if found.time is None:
            return BAD if said else NO_TIME
        found.used.append(said[0].path)
        if len(said) > 1:
            found.beside |= {place.path: ANOTHER_TIME for place in said[1:]}
        return None

    def _fill_more(self, finder: Finder, found: Found) -> None:
        """What an event may have beside its value; what cannot be read is left out."""
        if self._unit is not None and (place := self._unit.find(finder)) is not None:
            unit = read_unit(place, self._vocabulary.units)
            found.unit = str(unit.value) if unit.value is not None else None
            found.used += unit.used
        if self._end is not None and (place := self._end.find(finder)) is not None and type(place.node) is str:
            moment = parse_time(place.node)
            if moment is not None:
                found.end = _through(moment)
                found.used.append(place.path)
        for name, path in self._bounds:
            if path is not None and (place := path.find(finder)) is not None:
                bound, unit = read_number(place), read_unit(place, self._vocabulary.units)
                # A bound in another unit than the value is no bound of it.
                if isinstance(bound.value, float) and unit.value in (None, found.unit):
                    setattr(found, name, bound.value)
                    found.used += [*bound.used, *unit.used]
        if self._interpretation is not None and (named := self._interpretation(finder)) is not None:
            found.interpretation = named.name.rpartition("/")[2]
            found.used += named.used


def _part(name: str) -> str:
    """One part of a code: two slashes would end it."""
    return _SLASHES.sub("/", name.strip()) if "//" in name else name.strip()


def _through(moment: Moment) -> Moment:
    """An end that is a date includes that day (FHIR R4 2.24.0.9): its last microsecond."""
    length = {A_DAY: 86_400_000_000}.get(moment.precision or "")
    if length is None or moment.precision in (MONTH, YEAR):
        return moment
    return moment._replace(wall=moment.wall + length - 1)
