"""The `prepare` list of a spec or of a model directory: which steps, in which order, with which settings.

One rule for every collection; docs/prepare.md tells it to those who write the lists.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from schemas.errors import PluginError, SpecError
from schemas.loading import YES_AND_NO, nearest, validate
from workers import plugins
from workers.lookup import Names

S = TypeVar("S", bound=BaseModel)
Known = Mapping[str, type[BaseModel]]
Ref = Callable[[type[BaseModel]], Mapping[str, Any]]
"""The JSON Schema that stands for a model: a reference to where it is defined."""

_OF_OTHERS = {
    "normali": ("standardise", "z_score", "min_max", "unicode"),
    "standardi": ("standardise",),
    "gray": ("channels",),
    "grey": ("channels",),
    "rgb": ("channels",),
    "scale_intensity": ("min_max",),
    "totensor": (),
    "to_tensor": (),
    "lower": (),
}
"""How names of steps begin in other libraries, and which of ours do that: their letters would lead elsewhere."""


class StepTable(Mapping[str, type[S]], Generic[S]):
    """The steps of a collection by name, each a frozen pydantic model of its settings, imported when asked for.

    `base` is the class of all of them. With `open`, packages add their own (entry points `wardround.steps`): where
    steps are carried out one after another and any new one can be among them. `with_formats`: model formats of the
    collection have `steps` of their own too (`workers.text_models.contract.TextFormat`).
    """

    def __init__(
        self, collection: str, places: Mapping[str, str], base: type[S], *, open: bool, with_formats: bool = False
    ) -> None:
        self.with_formats = with_formats
        self._base = base
        self._names = Names("step", places, plugins.STEPS if open else "", collection)

    def __getitem__(self, name: str) -> type[S]:
        place = self._names[name]
        found = place.load()
        if not (isinstance(found, type) and issubclass(found, self._base)):
            raise PluginError(f"{place.plugin or place.target} is no {self._base.__name__}: correct the package")
        # Messages about a record name the step by it, where a missing one would end the worker.
        if place.plugin is not None and (calls := getattr(found, "name", None)) != name:
            raise PluginError(f"{place.plugin} has name = {calls!r} in its class: correct the package")
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def parse_steps(
    raw: object, *known: Known, in_turn: type[BaseModel] | None = None, key: str = "prepare"
) -> list[tuple[str, BaseModel]]:
    """A whole `prepare` list: name and checked settings of each step, in order. The first table with a name has it.

    `key` is what messages call the list.

    An entry is a step's name, or a mapping of one name to its settings; no settings (null) are the defaults. A step
    stands there once, but for those of class `in_turn`, which are carried out one after another. Raises SpecError that
    names the entry, the step, the key, and the nearest known name.
    """
    if isinstance(raw, str | Mapping) or not isinstance(raw, Sequence):
        raise SpecError(f"{key}: expected a list of steps, found {_kind(raw)}")
    found: list[tuple[str, BaseModel]] = []
    for position, entry in enumerate(raw):
        where = f"{key}[{position}]"
        name, settings = _entry(entry, where)
        step = validate(_model(name, known, where), settings, f"{where} {name}")
        if name in (earlier for earlier, _ in found) and not (in_turn is not None and isinstance(step, in_turn)):
            raise SpecError(f"{where}: {name} stands there twice; one of them has to go")
        found.append((name, step))
    return found


def without(raw: Sequence[Any], name: str) -> tuple[Any, ...]:
    """The entries of a list but that of this step."""
    return tuple(entry for entry in raw if entry != name and not (isinstance(entry, Mapping) and name in entry))


def _model(name: str, known: Sequence[Known], where: str) -> type[BaseModel]:
    for table in known:
        if name in table:
            return table[name]
    names = sorted({name for table in known for name in table})
    raise SpecError(f"{where}: unknown step {name!r}{_meant(name, names) or '.'} Known: {', '.join(names)}")


def _meant(name: str, names: Sequence[str]) -> str:
    """What somebody may have meant, by what others call it or else by its letters; empty where nothing is near."""
    for beginning, ours in _OF_OTHERS.items():
        if name.lower().startswith(beginning):
            found = [step for step in ours if step in names]
            return f": what others call so is {' or '.join(found)} here." if found else ""
    return nearest(name, names)


def _entry(entry: object, where: str) -> tuple[str, Mapping[Any, Any]]:
    if isinstance(entry, str):
        return entry, {}
    if not isinstance(entry, Mapping) or len(entry) != 1:
        hint = f"; {YES_AND_NO}" if isinstance(entry, bool) else ""
        raise SpecError(f"{where}: expected a step's name, or one name with its settings, found {_kind(entry)}{hint}")
    ((name, settings),) = entry.items()
    if not isinstance(name, str):
        hint = f"; {YES_AND_NO}" if isinstance(name, bool) else ""
        raise SpecError(f"{where}: unknown step {name!r}: a name is text, found {_kind(name)}{hint}")
    if isinstance(settings, bool):
        raise SpecError(
            f"{where} {name}: {str(settings).lower()} is no setting: write {name!r} alone to have the step, "
            "and leave the entry out not to have it"
        )
    if settings is not None and not isinstance(settings, Mapping):
        raise SpecError(f"{where} {name}: expected a mapping of keys, found {_kind(settings)}")
    return name, settings or {}


_KINDS: Mapping[type, str] = {bool: "true or false", int: "a number", float: "a number", str: "text"}


def _kind(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return f"a mapping of {len(value)} keys"
    return "a list" if isinstance(value, list | tuple) else _KINDS.get(type(value), type(value).__name__)


def list_schema(steps: Iterable[tuple[str, type[BaseModel]]], ref: Ref) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a `prepare` list. Formats may have steps of one name with settings of their own."""
    distinct = list(dict.fromkeys(steps))
    bare = sorted({name for name, model in distinct if _has_only_defaults(model)})
    entries = [_entry_schema(name, model, ref(model)) for name, model in distinct]
    return {"type": "array", "items": {"anyOf": [{"enum": bare}, *entries]}}


def _entry_schema(name: str, model: type[BaseModel], schema: Mapping[str, Any]) -> dict[str, Any]:
    settings = {"anyOf": [schema, {"type": "null"}]} if _has_only_defaults(model) else schema
    return {"type": "object", "properties": {name: settings}, "required": [name], "additionalProperties": False}


def _has_only_defaults(model: type[BaseModel]) -> bool:
    try:
        model()
    except ValidationError:
        return False
    return True
