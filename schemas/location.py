"""Settings that say where something lies: marked by their type, so that paths are made absolute in one place."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, get_args

from pydantic import BaseModel


class _Marker:
    """What `Location` is annotated with."""


_IS_LOCATION = _Marker()

Location = Annotated[str, _IS_LOCATION]
"""A path or uri in a spec. A relative path is from the folder of the spec; it is made absolute before it is used."""


def with_locations(model: type[BaseModel], raw: object, change: Callable[[str], str]) -> Any:
    """`raw`, meant for `model` and not checked yet, with `change` made of every text that is a `Location`.

    What does not fit the model stays as it is: whoever validates it says so.
    """
    if not isinstance(raw, Mapping):
        return raw
    found = {}
    for key, value in raw.items():
        field = model.model_fields.get(key) if isinstance(key, str) else None
        found[key] = value if field is None else _changed(field.annotation, field.metadata, value, change)
    return found


def _changed(annotation: Any, metadata: list[Any], value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        marked = _IS_LOCATION in metadata or any(_IS_LOCATION in _metadata(part) for part in _parts(annotation))
        return change(value) if marked else value
    if isinstance(value, list | tuple):
        return type(value)(_changed(annotation, [], each, change) for each in value)
    if isinstance(value, Mapping):
        models = [part for part in _parts(annotation) if isinstance(part, type) and issubclass(part, BaseModel)]
        if models:
            return with_locations(models[0], value, change)
        return {key: _changed(annotation, [], each, change) for key, each in value.items()}
    return value


def _parts(annotation: Any) -> Iterator[Any]:
    """The annotation and all that it is made of."""
    yield annotation
    for part in get_args(annotation):
        if part is not _IS_LOCATION:
            yield from _parts(part)


def _metadata(annotation: Any) -> tuple[Any, ...]:
    return getattr(annotation, "__metadata__", ())
