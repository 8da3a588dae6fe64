"""Settings of a component of a bundle, taken one by one, so that none is passed over in silence."""

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.errors import SpecError
from workers.images.volumes.formats.monai.config import Component

REST = object()
"""`take` without a default: the setting must be there."""


class Arguments:
    """The settings of one component, those for `key` where it has several. `done` at the end refuses those that nobody
    took."""

    def __init__(self, component: Component, key: str = "") -> None:
        keys = keys_of(component.settings)
        self._key = (keys.index(key), len(keys)) if key in keys else (0, 1)
        self.target = component.target
        self.where = component.where
        self._left = dict(component.settings)

    def take(self, name: str, default: Any = REST) -> Any:
        """A setting of any kind. Raises SpecError where it is missing and has no default."""
        if name in self._left:
            return self._left.pop(name)
        if default is REST:
            raise SpecError(f"{self.where}: {self.target} needs {name!r}")
        return default

    def only(self, name: str, *values: Any) -> None:
        """Refuse a setting that is there with another value than these: what it does then is not done here."""
        if name in self._left and (found := self._left.pop(name)) not in values:
            known = " or ".join(repr(one) for one in values)
            raise SpecError(f"{self.where}: {self.target} with {name} {found!r} is not supported, only {known}")

    def drop(self, *names: str) -> None:
        """Settings that change no value: how a file is read, where a tensor lies, what is logged."""
        for name in names:
            self._left.pop(name, None)

    def truth(self, name: str, default: bool) -> bool:
        """A setting that is true or false, also in quotes."""
        found = self.word(name, default)
        # Model-zoo has "True" in quotes, which is true for MONAI as any text is.
        return bool(found) if not isinstance(found, str) else found.lower() != "false"

    def number(self, name: str, default: Any = REST) -> float | None:
        """A number, or None."""
        found = self.word(name, default)
        if found is None or (isinstance(found, int | float) and not isinstance(found, bool)):
            return None if found is None else float(found)
        raise SpecError(f"{self.where}: {self.target} with {name} {found!r}: must be a number")

    def sides(self, name: str, default: Any = REST) -> tuple[int, int, int]:
        """Three whole numbers, or one for all; -1 and 0 become 0."""
        found = self.take(name, default)
        several = list(found) if isinstance(found, Sequence) and not isinstance(found, str) else [found] * 3
        if len(several) != 3 or not all(isinstance(one, int) and not isinstance(one, bool) for one in several):
            raise SpecError(f"{self.where}: {self.target} with {name} {found!r}: must be one or three whole numbers")
        i, j, k = (max(0, one) for one in several)
        return i, j, k

    def word(self, name: str, default: Any = REST) -> Any:
        """A setting that may be a list with an entry a key: that of ours."""
        found = self.take(name, default)
        at, count = self._key
        return found[at] if isinstance(found, list | tuple) and len(found) == count else found

    def done(self) -> None:
        """Raises SpecError for what is left."""
        if self._left:
            raise SpecError(
                f"{self.where}: {self.target} with {', '.join(sorted(self._left))} is not supported: leave it out, or "
                "write the model as a wardround-volume-model (docs/models.md)"
            )


def keys_of(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """What a transform is done to."""
    found = settings.get("keys", ())
    return (found,) if isinstance(found, str) else tuple(str(one) for one in found or ())
