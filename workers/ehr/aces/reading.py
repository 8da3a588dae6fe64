"""From the text of an ACES file to its checked config: it is YAML 1.2, where `no` is a word and `12:30` is text."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from schemas.errors import SpecError
from schemas.loading import nearest, validate
from schemas.yaml_text import PlainLoader, load_yaml
from workers.ehr.aces.bounds import SPECIAL
from workers.ehr.aces.config import Config, DerivedPredicate, PlainPredicate, Predicate, Window


class CoreLoader(PlainLoader):
    """The core schema of YAML 1.2 (section 10.3.2)."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own protocol


for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    ("float", r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)$", "-+.0123456789"),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("merge", r"^(?:<<)$", "<"),
):
    CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


_IGNORED = ("description", "metadata")
_MOST_WINDOWS = 256
_DEEPEST = 64
"""Predicates made of predicates made of predicates: nobody writes so many levels."""
_SHARED = ("predicates", "patient_demographics", *_IGNORED)


def read_config(text: str, predicates_text: str | None, where: str) -> Config:
    """The config; predicates and demographics of a second file replace those of the same name in the first.

    Only what trigger and windows refer to is read, so predicates that a data set has to fill in (`???`) matter only
    where they are used. Raises SpecError that names the place.
    """
    file = _mapping(load_yaml(text, where, CoreLoader), where)
    _refuse_unknown(file, ("trigger", "windows", *_SHARED), where)
    plain, demographics = _section(file, "predicates", where), _section(file, "patient_demographics", where)
    if predicates_text is not None:
        second = f"the predicates file of {where}"
        other = _mapping(load_yaml(predicates_text, second, CoreLoader), second)
        _refuse_unknown(other, _SHARED, second)
        plain = plain | _section(other, "predicates", second)
        demographics = demographics | _section(other, "patient_demographics", second)
    trigger = file.get("trigger")
    if not isinstance(trigger, str):
        raise SpecError(f"{where}: trigger: name the predicate that starts it, or one of {', '.join(SPECIAL)}")
    windows = {
        name: validate(Window, raw, f"{where}: windows.{name}")
        for name, raw in _named(_section(file, "windows", where), f"{where}: windows")
    }
    if len(windows) > _MOST_WINDOWS:
        raise SpecError(f"{where}: windows: {len(windows)} are more than the {_MOST_WINDOWS} that a task may have")
    predicates = _Predicates(plain, demographics, where).used_by(trigger, windows)
    return Config(predicates, trigger, windows)


class _Predicates:
    """All that a file defines, read as far as it is used."""

    def __init__(self, plain: Mapping[str, Any], demographics: Mapping[str, Any], where: str) -> None:
        self._where = where
        self._plain = dict(_named(plain, f"{where}: predicates"))
        self._demographics = {
            name: self._demographic(name, raw) for name, raw in _named(demographics, f"{where}: patient_demographics")
        }
        self._read: dict[str, Predicate] = {}

    def used_by(self, trigger: str, windows: Mapping[str, Window]) -> dict[str, Predicate]:
        """Those that are referred to, what they are made of, and every demographic: each narrows the cohort."""
        self._follow(trigger, "trigger", ())
        for name, window in windows.items():
            for used in window.has:
                self._follow(used, f"windows.{name}.has", ())
            for bound in (window.own, window.root):
                if bound.event:
                    self._follow(bound.event, f"windows.{name}", ())
            if window.label in SPECIAL:
                raise SpecError(f"{self._where}: windows.{name}.label: {window.label} cannot be a label")
            if window.label:
                self._follow(window.label, f"windows.{name}.label", ())
        return self._read | self._demographics

    def _follow(self, name: str, place: str, above: tuple[str, ...]) -> None:
        if name in SPECIAL and not above:
            return
        if name in above:
            raise SpecError(f"{self._where}: predicates.{above[0]} is made of itself: {' -> '.join((*above, name))}")
        if len(above) > _DEEPEST:
            raise SpecError(f"{self._where}: predicates.{above[0]} is made of others over more than {_DEEPEST} levels")
        if name in self._read or name in self._demographics:
            return
        if name not in self._plain:
            known = [*self._plain, *self._demographics, *SPECIAL]
            raise SpecError(f"{self._where}: {place}: predicate {name!r} is not defined{nearest(name, known)}")
        predicate = self._predicate(name, self._plain[name])
        if isinstance(predicate, DerivedPredicate):
            for used in predicate.inputs:
                self._follow(used, f"predicates.{name}", (*above, name))
        self._read[name] = predicate

    def _predicate(self, name: str, raw: object) -> Predicate:
        place = f"{self._where}: predicates.{name}"
        if not isinstance(raw, Mapping):
            raise SpecError(
                f"{place}: not defined yet (found {type(raw).__name__}, expected a mapping): "
                "give the file with your data's predicates"
            )
        if "expr" in raw:
            return validate(DerivedPredicate, raw, place)
        # Keys that are no settings name further columns: that is how ACES files write other_cols.
        known = {key: value for key, value in raw.items() if key in PlainPredicate.model_fields}
        columns = {key: value for key, value in raw.items() if key not in known}
        written = known.get("other_cols", {})
        if columns and isinstance(written, Mapping):
            known["other_cols"] = {**written, **columns}
        return validate(PlainPredicate, known, place)

    def _demographic(self, name: str, raw: object) -> PlainPredicate:
        place = f"{self._where}: patient_demographics.{name}"
        predicate = validate(PlainPredicate, raw, place)
        return predicate.model_copy(update={"static": True})


def _mapping(raw: object, where: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise SpecError(f"{where}: expected the keys predicates, trigger and windows, found {type(raw).__name__}")
    return raw


def _section(file: Mapping[str, Any], key: str, where: str) -> dict[str, Any]:
    raw = file.get(key)
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise SpecError(f"{where}: {key}: expected names with what they mean, found {type(raw).__name__}")
    return raw


def _named(section: Mapping[str, Any], place: str) -> Iterator[tuple[str, Any]]:
    for name, raw in section.items():
        if not isinstance(name, str) or not re.fullmatch(r"\w+", name):
            raise SpecError(f"{place}: name {name!r} must be letters, digits and _")
        if name in SPECIAL:
            raise SpecError(f"{place}: {name} has its own meaning and cannot be defined")
        yield name, raw


def _refuse_unknown(file: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in file:
        if key not in known:
            raise SpecError(f"{where}: unknown key {key!r}{nearest(str(key), known)}")
