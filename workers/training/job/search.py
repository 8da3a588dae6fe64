"""A search over a declared grid of settings: its points, and the training that each of them is. Imports no torch."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from schemas.canonical import canonical_json
from schemas.errors import SpecError
from schemas.loading import inner_model, nearest, validate
from workers.training.job.settings import TrainKeys

S = TypeVar("S", bound=TrainKeys)
Point = Mapping[str, Any]

_NETWORK, _SETTINGS = "network.", "network.settings."


def points_of(source: TrainKeys) -> list[Point]:
    """Every combination of the values, the last key's changing first; without a search one point that changes
    nothing."""
    keys = list(source.search)
    return [dict(zip(keys, values, strict=True)) for values in itertools.product(*source.search.values())]


def source_at(source: S, point: Point) -> S:
    """The training of one point, which searches nothing. Raises SpecError for settings that cannot be."""
    if not source.search:
        return source
    raw = source.model_dump(exclude_unset=True)
    del raw["search"]
    for key, value in point.items():
        *above, name = _path(key)
        inside = raw
        for part in above:
            inside[part] = dict(inside.get(part) or {})
            inside = inside[part]
        inside[name] = value
    return validate(type(source), raw, "input")


def at_each_point(source: S, check: Callable[[S], Any]) -> None:
    """Hold the training of each point against `check`. Raises its SpecError, which names the key and the value that
    are to blame."""
    for point in points_of(source):
        error = _error(source, point, check)
        if error is None:
            continue
        if not point:
            raise error
        alone = ({key: value} for key, value in point.items())
        blamed = next((one for one in alone if _error(source, one, check) is not None), point)
        raise SpecError(f"input.search: {said(blamed)}: {error}")


def said(point: Point) -> str:
    """Its settings for people, and the same each time."""
    return ", ".join(f"{key}: {canonical_json(value)}" for key, value in point.items())


def check_search(source: TrainKeys) -> None:
    """Raises SpecError for a key that is no setting which a search may change, for no values or one, for one that
    stands there twice, and for a point that cannot be."""
    taken: dict[tuple[str, ...], str] = {}
    for key, values in source.search.items():
        _check_key(source, key)
        if _path(key) in taken:
            raise SpecError(f"input.search: {taken[_path(key)]} and {key} are one setting: leave one of them out")
        taken[_path(key)] = key
        texts = [canonical_json(value) for value in values]
        if len(texts) < 2:
            have = "has no values" if not texts else f"has one value, {texts[0]}"
            raise SpecError(
                f"input.search.{key}: {have}: give two at least, or set it where it stands without a search"
            )
        if len(set(texts)) < len(texts):
            twice = next(text for text in texts if texts.count(text) > 1)
            raise SpecError(f"input.search.{key}: {twice} stands there twice")
    at_each_point(source, lambda one: one)


def _error(source: S, point: Point, check: Callable[[S], Any]) -> SpecError | None:
    try:
        check(source_at(source, point))
    except SpecError as error:
        return error
    return None


def _path(key: str) -> tuple[str, ...]:
    """Where a setting stands; `network.width` is short for `network.settings.width`."""
    if key.startswith(_NETWORK) and not key.startswith(_SETTINGS) and key != "network.name":
        key = _SETTINGS + key.removeprefix(_NETWORK)
    return tuple(key.split("."))


def _check_key(source: TrainKeys, key: str) -> None:
    if key.startswith(_NETWORK) and all(_path(key)) and len(_path(key)) <= 3:
        return
    known = sorted(_settings(source))
    if key in known:
        return
    if any(one.startswith(f"{key}.") for one in known):
        raise SpecError(f"input.search.{key}: is a group of settings: name one of them, such as {_first(known, key)}")
    raise SpecError(
        f"input.search: {key!r} is no setting that a search may change{nearest(key, known)} It may change those of "
        f"{', '.join(sorted(source.searchable))}"
    )


def _first(known: list[str], key: str) -> str:
    return next(one for one in known if one.startswith(f"{key}."))


def _settings(source: TrainKeys) -> Iterator[str]:
    """Every setting that may be searched, as a dotted path."""
    for path in source.searchable:
        model: Any = type(source)
        *above, name = path.split(".")
        for part in above:
            model = inner_model(model.model_fields[part].annotation)
        yield from _below(model, name, path)


def _below(model: type[BaseModel], name: str, path: str) -> Iterator[str]:
    inner = inner_model(model.model_fields[name].annotation)
    if inner is None:
        yield path
        return
    if type(None) in getattr(model.model_fields[name].annotation, "__args__", ()):
        yield path
    for below in inner.model_fields:
        yield from _below(inner, below, f"{path}.{below}")
