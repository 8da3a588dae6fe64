"""Which format a model directory is of."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Generic, TypeVar

from schemas.errors import PluginError, SpecError
from workers import registry
from workers.contract import Format, ModelCard
from workers.models.files import refuse_checkpoint

F = TypeVar("F", bound=Format)


@dataclass(frozen=True)
class Formats(Generic[F]):
    """The model formats of one collection. `F` is what each of their modules annotates its `FORMAT` with."""

    collection: str

    def __getitem__(self, name: str) -> F:
        """One format. Raises SpecError for an unknown name, MissingExtraError, PluginError."""
        loaded = registry.formats(self.collection).load(name)
        if isinstance(loaded, ModuleType) and not hasattr(loaded, "FORMAT"):
            raise PluginError(
                f"model format {name!r}: module {loaded.__name__} has no FORMAT (workers.contract.Format)"
            )
        found: F = getattr(loaded, "FORMAT", loaded)
        return found

    def describe(self, directory: Path) -> tuple[str, ModelCard]:
        """Name of the first format that recognises the directory, and the card. Imports no torch.

        A format of a package that cannot be imported is passed over, and named where no other knows the directory.
        Raises SpecError if no format knows the directory, or with what is wrong in it; SecurityError for a checkpoint
        of PyTorch.
        """
        if not directory.is_dir():
            raise SpecError(f"{directory}: is not a model directory")
        looked: list[str] = []
        for name in registry.formats(self.collection):
            try:
                found = self[name]
            except PluginError as error:
                looked.append(str(error))
                continue
            if found.recognises(directory):
                return name, found.describe(directory)
            looked.append(found.looks_for)
        refuse_checkpoint(directory)
        seen = "; ".join(looked)
        raise SpecError(f"{directory}: holds no model of a known format for {self.collection}. Looked for: {seen}")


def describe(directory: Path, collection: str) -> tuple[str, ModelCard]:
    """Format and card of the model in a directory, which needs no torch. Raises what `Formats.describe` raises."""
    return Formats[Format](collection).describe(directory)
