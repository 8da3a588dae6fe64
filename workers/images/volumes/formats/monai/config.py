"""The config of a bundle as data: references and macros resolved, components named, nothing built.

Grammar: MONAI's `monai.bundle.ConfigParser`: `_target_` names a class, `@id` is the value at an id, whose parts are
parted by `::` or `#`, `%id` the text at an id, `%file::id` that in another file, `$...` an expression.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.errors import SecurityError, SpecError
from workers.images.volumes.formats.monai.expressions import value_of

_DEEPEST = 50
_PARTS = re.compile(r"::|#")
_FILE = re.compile(r"^(.+\.(?:json|ya?ml))(?:::|#|$)", re.IGNORECASE)
_RESERVED = ("_target_", "_disabled_", "_requires_", "_desc_", "_mode_")


@dataclass(frozen=True)
class Component:
    """What `_target_` names, without its module, and the settings beside it. `where` is its id."""

    target: str
    settings: Mapping[str, Any]
    where: str
    module: str = ""


@dataclass
class Config:
    """`raw` is the content of the file. `read` gives the content of another file of the bundle."""

    raw: Mapping[str, Any]
    where: str
    read: Callable[[str], Mapping[str, Any]]
    _open: list[str] = field(default_factory=list)

    def has(self, name: str) -> bool:
        """Whether there is something at an id."""
        try:
            self._at(name)
        except SpecError:
            return False
        return True

    def value(self, name: str) -> Any:
        """What is at an id: a literal, a Component, or lists and mappings of these; components that are disabled are
        left out. Raises SpecError for what is not there or leads to itself, SecurityError for code."""
        if name in self._open or len(self._open) > _DEEPEST:
            raise SpecError(f"{self.where}: {name!r} leads to itself ({' -> '.join([*self._open, name])})")
        self._open.append(name)
        try:
            return self._resolved(self._at(name), name)
        finally:
            self._open.pop()

    def component(self, name: str) -> Component:
        """The component at an id. Raises SpecError where it is none."""
        found = self.value(name)
        if not isinstance(found, Component):
            raise SpecError(f"{self.where}: {name!r} must be a component, with _target_")
        return found

    def _at(self, name: str) -> Any:
        found: Any = self.raw
        for part in _PARTS.split(name):
            if isinstance(found, str) and found.startswith("@"):
                found = self._at(found[1:])
            if isinstance(found, Mapping) and part in found:
                found = found[part]
            elif isinstance(found, list) and part.isdecimal() and int(part) < len(found):
                found = found[int(part)]
            else:
                raise SpecError(f"{self.where}: there is no {name!r}, which another key refers to")
        return found

    def _resolved(self, value: Any, where: str) -> Any:
        if isinstance(value, str):
            return self._text(value, where)
        if isinstance(value, list):
            parts = [self._resolved(one, f"{where}::{at}") for at, one in enumerate(value)]
            return [one for one in parts if one is not _DISABLED]
        if isinstance(value, Mapping):
            return self._mapping(value, where)
        return value

    def _text(self, value: str, where: str) -> Any:
        if value.startswith("%"):
            return self._macro(value[1:], where)
        if value.startswith("@"):
            return self.value(value[1:])
        if value.startswith("$"):
            return value_of(value[1:], self.value, f"{self.where}: {where}")
        return value

    def _macro(self, name: str, where: str) -> Any:
        file = _FILE.match(name)
        if file is None:
            return self._resolved(self._at(name), where)
        other = Config(self.read(file.group(1)), file.group(1), self.read)
        rest = name[file.end() :]
        return self._resolved(other._at(rest) if rest else other.raw, where)

    def _mapping(self, value: Mapping[str, Any], where: str) -> Any:
        if "_target_" not in value:
            parts = {str(key): self._resolved(one, f"{where}::{key}") for key, one in value.items()}
            return {key: one for key, one in parts.items() if one is not _DISABLED}
        if self._resolved(value.get("_disabled_", False), where) in (True, "true", "True"):
            return _DISABLED
        if value.get("_mode_", "default") != "default":
            raise SpecError(f"{self.where}: {where}: _mode_ is not supported: leave it out")
        target = self._resolved(value["_target_"], where)
        if not isinstance(target, str):
            raise SpecError(f"{self.where}: {where}: _target_ must name a class")
        module, _, name = target.rpartition(".")
        if module and module.partition(".")[0] not in ("monai", "torch"):
            raise SecurityError(
                f"{self.where}: {where}: {target!r} is code of the bundle, which is not run: save the network as ONNX "
                "(docs/models.md), or use what MONAI itself has"
            )
        # Who comes upon a Lambda of a key that matters refuses it; its function has no value here.
        kept = ("keys",) if name.startswith("Lambda") else tuple(key for key in value if key not in _RESERVED)
        settings = {key: self._resolved(value[key], f"{where}::{key}") for key in kept if key in value}
        return Component(name, settings, f"{self.where}: {where}", module)

    def find(self, target: str, names: Sequence[str]) -> str | None:
        """The id of the first component of a class at these ids, or in the lists there; nothing of it is resolved."""
        for name in names:
            found = self._at(name) if self.has(name) else None
            several = [(f"{name}::{at}", one) for at, one in enumerate(found)] if isinstance(found, list) else []
            for where, one in several or [(name, found)]:
                if isinstance(one, Mapping) and str(one.get("_target_", "")).rpartition(".")[2] == target:
                    return where
        return None


_DISABLED = object()
