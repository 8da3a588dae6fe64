"""Which format a model directory is of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from schemas.errors import SpecError
from workers.contract import Format, ModelCard
from workers.registry import EXTRAS, FORMATS, resolve

F = TypeVar("F", bound=Format)


@dataclass(frozen=True)
class Formats(Generic[F]):
    """The model formats of one collection. `F` is what each of their modules annotates its `FORMAT` with."""

    collection: str

    def __getitem__(self, name: str) -> F:
        """One format. Raises SpecError for an unknown name."""
        module = resolve(FORMATS[self.collection], name, "model format", EXTRAS.get(self.collection, "all"))
        found: F = module.FORMAT
        return found

    def describe(self, directory: Path) -> tuple[str, ModelCard]:
        """Name of the first format that recognises the directory, and the card. Imports no torch.

        Raises SpecError if no format knows the directory, or with what is wrong in it.
        """
        if not directory.is_dir():
            raise SpecError(f"{directory}: is not a model directory")
        names = FORMATS.get(self.collection, {})
        for name in names:
            if self[name].recognises(directory):
                return name, self[name].describe(directory)
        looked = "; ".join(self[name].looks_for for name in names)
        raise SpecError(f"{directory}: holds no model of a known format for {self.collection}. Looked for: {looked}")


def describe(directory: Path, collection: str) -> tuple[str, ModelCard]:
    """See Formats.describe."""
    return Formats[Format](collection).describe(directory)
