"""Settings that say where something lies: marked by their type, so that paths are made absolute in one place."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, repeat
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel


class _Marker:
    """What `Location` is annotated with."""


_IS_LOCATION = _Marker()

Location = Annotated[str, _IS_LOCATION]
"""A path or uri in a spec. A relative path is from the folder of the spec; it is made absolute before it is used."""

_Way = tuple[Any, bool]
"""One of the kinds that a value may have, and whether it is marked as a location."""


def with_locations(model: type[BaseModel], raw: object, change: Callable[[str], str]) -> Any:
    """`raw`, meant for `model` and not checked yet, with `change` made of every text that is a `Location`, however deep
    it stands in lists, mappings and models.

    What does not fit the model stays as it is: whoever validates it says so.
    """
    if not isinstance(raw, Mapping):
        return raw
    found = {}
    for key, value in raw.items():
        field = model.model_fields.get(key) if isinstance(key, str) else None
        marked = field is not None and _IS_LOCATION in field.metadata
        found[key] = value if field is None else _changed(list(_ways(field.annotation, marked)), value, change)
    return found


def _ways(annotation: Any, marked: bool = False) -> Iterator[_Way]:
    """What a value may be, out of unions and of what pydantic is told beside."""
    if get_origin(annotation) is Annotated:
        inner, *told = get_args(annotation)
        yield from _ways(inner, marked or _IS_LOCATION in told)
    elif get_origin(annotation) in (Union, UnionType):
        for part in get_args(annotation):
            yield from _ways(part, marked)
    else:
        yield annotation, marked


def _changed(ways: Sequence[_Way], value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        is_word = any(_is_literal(kind) and value in get_args(kind) for kind, _ in ways)
        return change(value) if (str, True) in ways and not is_word else value
    if isinstance(value, list | tuple):
        pairs = zip(_items(ways), value, strict=False)
        return type(value)(_changed(list(_ways(kind)), each, change) for kind, each in pairs)
    if isinstance(value, Mapping):
        model = _meant([kind for kind, _ in ways if isinstance(kind, type) and issubclass(kind, BaseModel)], value)
        if model is not None:
            return with_locations(model, value, change)
        inner = next((get_args(kind)[-1] for kind, _ in ways if _holds(kind, Mapping)), None)
        return {key: _changed(list(_ways(inner)), each, change) for key, each in value.items()}
    return value


def _items(ways: Sequence[_Way]) -> Iterable[Any]:
    """What each item of a list may be; a list that is longer than it may be stays as long."""
    kind = next((kind for kind, _ in ways if _holds(kind, Iterable) and not _holds(kind, Mapping)), None)
    parts = get_args(kind)
    if _holds(kind, tuple) and Ellipsis not in parts:
        return chain(parts, repeat(None))
    return repeat(parts[0] if parts else None)


def _is_literal(annotation: Any) -> bool:
    origin: Any = get_origin(annotation)
    return origin is Literal


def _holds(annotation: Any, kind: type) -> bool:
    origin = get_origin(annotation)
    return isinstance(origin, type) and issubclass(origin, kind)


def _meant(models: Sequence[type[BaseModel]], raw: Mapping[Any, Any]) -> type[BaseModel] | None:
    """The first model whose keys and words fit, else the first of all."""
    return next((model for model in models if _fits(model, raw)), models[0] if models else None)


def _fits(model: type[BaseModel], raw: Mapping[Any, Any]) -> bool:
    known = {name: field.annotation for name, field in model.model_fields.items()}
    return raw.keys() <= known.keys() and all(
        raw.get(name) in (None, *get_args(kind)) for name, kind in known.items() if _is_literal(kind)
    )
