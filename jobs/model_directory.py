"""A model directory on its own, without a spec: what it holds, whether it works, what is known of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cluster.storage import Fetched, StorageSettings, fetch_directory
from schemas.errors import MissingExtraError, RecordError, SecurityError, SpecError, UsageError, VerificationError
from schemas.loading import nearest
from workers import registry
from workers.calibration.document import Calibration, read_calibration
from workers.contract import Format, ModelCard
from workers.lookup import Room
from workers.models.detect import Formats
from workers.models.files import TensorTotals, all_tensors, check_safetensors
from workers.models.made import ON_CPU, ScoreMade

SUMS = "SHA256SUMS"


@dataclass(frozen=True)
class ModelDirectory:
    """A directory that a format recognised. `collections` are all that take it; the card is that of the first."""

    uri: str
    fetched: Fetched
    collections: Sequence[str]
    kind: str
    format: Format
    card: ModelCard
    calibration: Calibration | None

    @property
    def weights(self) -> TensorTotals | None:
        """What its safetensors files hold; None where it has none."""
        names = [name for name in self.fetched.files if name.endswith(".safetensors")]
        return all_tensors(check_safetensors(self.fetched.path / name) for name in names) if names else None

    @property
    def room(self) -> Room:
        """The collection whose model it is."""
        return Room(registry.collections()[self.collections[0]])


def open_directory(uri: str, collection: str | None = None, storage: StorageSettings | None = None) -> ModelDirectory:
    """The model in a directory, local or remote, of `collection` where one is named.

    Raises UsageError where nothing lies there or the collection is unknown, SpecError for no model or a wrong one,
    SecurityError for one that could run code.
    """
    known = registry.collections()
    if collection is not None and collection not in known:
        raise UsageError(f"collection {collection!r} is unknown{nearest(collection, known)} Known: {', '.join(known)}")
    fetched = fetch_directory(uri, storage)
    with fetched.named(uri):
        takes = _takers(fetched, [collection] if collection else list(known), uri)
        first = next(iter(takes))
        kind, found = takes[first]
        card = found.describe(fetched.path)
        calibration = read_calibration(fetched.path, card.outputs, fetched.files)
    return ModelDirectory(uri, fetched, list(takes), kind, found, card, calibration)


def _takers(fetched: Fetched, collections: Sequence[str], uri: str) -> dict[str, tuple[str, Format]]:
    """The format by each collection that recognises the directory. Raises SpecError where none does,
    SecurityError where it could run code besides."""
    found: dict[str, tuple[str, Format]] = {}
    missing: MissingExtraError | SecurityError | None = None
    for name in collections:
        try:
            found[name] = Formats[Format](name).recognise(fetched.path)
        except SpecError as error:
            if isinstance(error.__cause__, OSError | ValueError) or len(collections) == 1:
                raise
        except (MissingExtraError, SecurityError) as error:
            # What one collection refuses may be a model of another.
            missing = missing or error
    if not found:
        if missing is not None:
            raise missing
        raise SpecError(
            f"{uri}: holds no model of a known format for {', '.join(collections)}; docs/models.md lists what a "
            "directory has to hold"
        )
    return found


@dataclass(frozen=True)
class Verified:
    """`sums` is the number of files that SHA256SUMS vouches for, None without one, and `unlisted` those that it does
    not name. `scored` are the values of a made record by output; None where none was scored, and `why` says why."""

    sums: int | None
    unlisted: Sequence[str]
    scored: Mapping[str, Any] | None
    why: str


def verify_directory(model: ModelDirectory) -> Verified:
    """Hold the files against SHA256SUMS, load the model, and score a made record where its format allows it.

    Raises VerificationError for a file that is not as the sums say, SpecError for a model that cannot be loaded.
    """
    sums = _sums(model)
    with model.fetched.named(model.uri):
        scored, why = _tried(model)
    model.fetched.check(model.uri)
    unlisted = [] if sums is None else sorted(set(model.fetched.files) - set(sums) - {SUMS})
    return Verified(None if sums is None else len(sums), unlisted, scored, why)


def _sums(model: ModelDirectory) -> dict[str, str] | None:
    """sha256 by file, as `sha256sum` writes it."""
    if SUMS not in model.fetched.files:
        return None
    found: dict[str, str] = {}
    text = (model.fetched.path / SUMS).read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines()):
        digest, separator, name = line.partition("  ")
        if not separator or len(digest) != 64:
            raise VerificationError(f"{model.uri}/{SUMS}: line {number + 1} is none of sha256sum: make it again")
        found[name.removeprefix("./")] = digest
    wrong = [name for name, digest in found.items() if model.fetched.files.get(name) != digest]
    if wrong:
        what = "is missing" if wrong[0] not in model.fetched.files else "is another file"
        raise VerificationError(
            f"{model.uri}: {len(wrong)} of {len(found)} files are not as {SUMS} says; {wrong[0]} {what}: copy the "
            "directory again from where it was made"
        )
    return found


def _tried(model: ModelDirectory) -> tuple[Mapping[str, Any] | None, str]:
    made: ScoreMade | None = model.room.find("made", "score_made")
    if made is not None:
        try:
            return made(model.format, model.fetched.path, model.card), ""
        except RecordError as error:
            return None, f"loaded; no record that is made here fits it ({error.detail})"
    load = getattr(model.format, "load", None)
    if load is None:
        return None, "described; it has no weights to load"
    load(model.fetched.path, model.card, ON_CPU)
    return None, f"loaded; no record of {model.collections[0]} is made here"
