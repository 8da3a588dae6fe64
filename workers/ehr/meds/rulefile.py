"""Read mapping rules: those of the format, or those that a spec names."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from cluster.storage import ObjectMissing, ObjectTooLarge, StorageSettings, open_store, split
from schemas.errors import SpecError
from schemas.loading import validate
from schemas.yaml_text import load_yaml

M = TypeVar("M", bound=BaseModel)
_MOST_BYTES = 1 << 20


def load_rules(model: type[M], uri: str | None, usual: Path, storage: StorageSettings) -> M:
    """The rules at `uri`, else those of the file `usual`. Raises SpecError with what to fix."""
    where = "input.rules" if uri else usual.name
    try:
        text = _text(uri, storage) if uri else usual.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise SpecError(f"{where}: is not UTF-8 text: save it as UTF-8") from None
    return validate(model, load_yaml(text, where), where)


def _text(uri: str, storage: StorageSettings) -> str:
    folder, name = split(uri)
    try:
        return open_store(folder, storage).get(name, max_bytes=_MOST_BYTES).decode()
    except ObjectMissing:
        raise SpecError("input.rules names a file that is not there: correct the uri") from None
    except ObjectTooLarge:
        raise SpecError(f"input.rules is larger than {_MOST_BYTES} bytes: mapping rules are not") from None
