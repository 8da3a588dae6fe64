"""Facts of slices and volumes as JSON text, as they stand in the columns of earlier stages."""

import json
from collections.abc import Sequence
from dataclasses import MISSING, Field, asdict, fields, replace
from typing import Any, TypeVar

from schemas.status import Fault, Status
from workers.images.series.facts import SeriesVolume, SliceFacts

F = TypeVar("F", SliceFacts, SeriesVolume)


def facts_text(facts: Sequence[SliceFacts]) -> str:
    """All slices of one object, without its key, which is the record's."""
    return json.dumps([_said(one, without=("key",)) for one in facts], separators=(",", ":"))


def facts_of(text: str, key: str) -> list[SliceFacts]:
    """The same slices, of the object with this key."""
    return [_read(SliceFacts, {**said, "key": key}) for said in json.loads(text)]


def volume_text(volume: SeriesVolume) -> str:
    """A volume without its slices, which stand beside their objects."""
    return json.dumps(_said(replace(volume, slices=()), without=()), separators=(",", ":"))


def volume_of(text: str) -> SeriesVolume:
    """The same volume."""
    return _read(SeriesVolume, json.loads(text))


def _said(one: SliceFacts | SeriesVolume, without: Sequence[str]) -> dict[str, Any]:
    """What differs from the defaults: most of what a header could say, it does not."""
    defaults = {field.name: field.default for field in fields(one)}
    said = {name: value for name, value in asdict(one).items() if name not in without}
    return {name: value for name, value in said.items() if value != defaults[name] and value not in ((), {})}


def _read(kind: type[F], said: dict[str, Any]) -> F:
    values = {name: _frozen(value) for name, value in said.items()}
    if values.get("fault") is not None:
        status, detail = values["fault"]
        values["fault"] = Fault(Status(status), detail)
    lacking: dict[str, Any] = {field.name: None for field in fields(kind) if _is_required(field)}
    if "slices" in lacking:
        lacking["slices"] = ()
    return kind(**{**lacking, **values})


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _frozen(value: Any) -> Any:
    """JSON has lists where facts have tuples."""
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    if isinstance(value, dict):
        return {name: _frozen(item) for name, item in value.items()}
    return value
