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

        Raises what `recognise` raises, and SpecError with what is wrong in the directory.
        """
        name, found = self.recognise(directory)
        return name, found.describe(directory)

    def recognise(self, directory: Path) -> tuple[str, F]:
        """The first format that recognises the directory, by the names of its files and small ones among them.

        A format of a package that cannot be imported is passed over, and named where no other knows the directory.
        Raises SpecError if no format knows the directory, SecurityError for a checkpoint of PyTorch.
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
                return name, found
            looked.append(found.looks_for)
        refuse_checkpoint(directory)
        seen = "; ".join(looked)
        raise SpecError(f"{directory}: holds no model of a known format for {self.collection}. Looked for: {seen}")


def describe(directory: Path, collection: str) -> tuple[str, ModelCard]:
    """Format and card of the model in a directory, which needs no torch. Raises what `Formats.describe` raises."""
    return Formats[Format](collection).describe(directory)


def refuse_unknown(directory: Path, collection: str) -> None:
    """Raises SpecError for a local directory that holds something else than a model, so that it is not copied: it may
    be large. An empty one, or one that cannot be read, is left to who copies: what storage says is not for here.
    """
    try:
        if any(directory.iterdir()):
            Formats[Format](collection).recognise(directory)
    except OSError:
        return
    except SpecError as error:
        if not isinstance(error.__cause__, OSError):
            raise
