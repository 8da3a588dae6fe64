"""From a name in a spec or in a model directory to the code behind it: ours, or that of an installed package."""

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from schemas.errors import PluginError, SpecError
from schemas.extras import missing_extra
from schemas.loading import nearest
from workers import plugins
from workers.plugins import OURS, Plugin


def extra_of(target: str) -> str:
    """The extra of our package that a module of a wing needs: `ehr` for `workers.ehr.notes`. `all` outside of wings."""
    above, _, below = target.partition(".")
    return below.partition(".")[0] if above == "workers" else "all"


def import_ours(module: str, extra: str = "") -> ModuleType:
    """A module of this project. Raises MissingExtraError where it needs a package of an extra that is not installed.

    `extra` overrules what follows from the path: a module of the core serves several wings.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        found = missing_extra(error, extra or extra_of(module))
        if found is None:
            raise
        raise found from error


@dataclass(frozen=True)
class Place:
    """Where a name leads: `module` or `module:attribute`. `plugin` is whose it is; None: ours, and then of `extra`."""

    target: str
    extra: str = ""
    plugin: Plugin | None = None

    def load(self) -> Any:
        """The module or attribute. Raises MissingExtraError or PluginError."""
        if self.plugin is not None:
            return plugins.load(self.plugin, self.target)
        module, _, attribute = self.target.partition(":")
        found = import_ours(module, self.extra)
        return getattr(found, attribute) if attribute else found


class Names(Mapping[str, Place]):
    """All of one kind that has a name: those of a table in their order, then those of installed packages.

    `kind` is what error messages call it. With a `group` the entry points of that group belong to it, of `collection`
    where the group goes by collection. Reads the entry points when it is first asked, not before.
    """

    def __init__(
        self, kind: str, ours: Mapping[str, str], group: str = "", collection: str = "", extra: str = ""
    ) -> None:
        self.kind = kind
        self._ours = ours
        self._group = group
        self._collection = collection
        self._extra = extra

    def __getitem__(self, name: str) -> Place:
        return self._places()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places())

    def __len__(self) -> int:
        return len(self._places())

    def require(self, name: object, where: str = "") -> str:
        """`name`, if it is known. Raises SpecError that tells the nearest; `where` begins the message."""
        known = self._places()
        if isinstance(name, str) and name in known:
            return name
        begin = f"{where}: " if where else ""
        hint = nearest(str(name), known) or "."
        raise SpecError(f"{begin}{self.kind} {name!r} is unknown{hint} Known: {', '.join(sorted(known))}")

    def load(self, name: object, where: str = "") -> Any:
        """What is behind the name. Raises SpecError, MissingExtraError or PluginError."""
        return self._places()[self.require(name, where)].load()

    def _places(self) -> dict[str, Place]:
        """Raises PluginError where a package takes a name that we have."""
        found = {name: _place(target, self._extra) for name, target in self._ours.items()}
        added = plugins.of_group(self._group, self._collection) if self._group else {}
        for name, plugin in added.items():
            if name in found:
                raise PluginError(
                    f"{plugin} has the name of wardround's own {self.kind} {name!r} ({found[name].target}): "
                    "rename it, or uninstall the package"
                )
            found[name] = Place(plugin.target, plugin=plugin)
        return found


@dataclass(frozen=True)
class Room:
    """What reads one kind of `input:`: a folder with the modules that `workers.collection` tells, or a single module
    that has all their contents."""

    place: Place

    @property
    def target(self) -> str:
        """Its dotted path, by which a worker finds it again."""
        return self.place.target

    def get(self, module: str, attribute: str) -> Any:
        """`attribute` of the room's `module`. Raises MissingExtraError, PluginError, or AttributeError."""
        return getattr(self._import(module), attribute)

    def find(self, module: str, attribute: str) -> Any | None:
        """As `get`; None where the room has no such module, or no such attribute in its single one."""
        room = self.place.load()
        if not hasattr(room, "__path__"):
            return getattr(room, attribute, None)
        if find_spec(f"{room.__name__}.{module}") is None:
            return None
        return self.get(module, attribute)

    def _import(self, module: str) -> ModuleType:
        room: ModuleType = self.place.load()
        if not hasattr(room, "__path__"):
            return room
        name = f"{room.__name__}.{module}"
        if self.place.plugin is not None:
            return plugins.import_module(self.place.plugin, name)
        return import_ours(name, self.place.extra)


def room_at(target: str) -> Room:
    """The room that `Room.target` named in another process. Raises PluginError where its package is not installed."""
    place = _place(target)
    if place.plugin is None and target.partition(".")[0] not in OURS:
        raise PluginError(
            f"the package with {target!r}, a plugin where the command was given, is not installed here: "
            "install it on every node"
        )
    return Room(place)


def _place(target: str, extra: str = "") -> Place:
    """A module of ours, or of a plugin's package that names it otherwise than by an entry point."""
    return Place(target, extra, None if target.partition(".")[0] in OURS else plugins.owner(target))
