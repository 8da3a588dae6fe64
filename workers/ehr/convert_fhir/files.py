"""Which files a bulk export has, and how they are cut."""

import json
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict

from cluster.storage import ObjectInfo, ObjectMissing, ObjectTooLarge, StorageSettings, Store, open_store, split
from schemas.errors import SpecError
from workers.ehr.convert_fhir.settings import FhirInput
from workers.ehr.meds.chunks import InputFile, even_cuts

_ENDS = (".ndjson", ".ndjson.gz")
_MOST_BYTES = 64 << 20
_LISTS = ("output", "deleted", "error", "outcome")
"""Lists of a manifest. Files of the last three name deletions and problems: rules make nothing of them, so that they
are in the account and not in the dataset."""


def root_of(source: FhirInput, storage: StorageSettings) -> Store:
    """Where the keys of the files lie."""
    return open_store(split(source.uri)[0] if source.uri.endswith(".json") else source.uri, storage)


def export_files(source: FhirInput, storage: StorageSettings) -> list[InputFile]:
    """Every file, by key, or as the manifest has them. Raises SpecError where there are none, or one is missing."""
    store = root_of(source, storage)
    if source.uri.endswith(".json"):
        found = list(_from_manifest(store, split(source.uri)[1]))
    else:
        found = [(info, _Entry(url=info.key)) for info in store.list() if info.key.endswith(_ENDS)]
    if not found:
        raise SpecError("input.uri has no *.ndjson and no *.ndjson.gz: name the directory of a bulk export")
    return [_cut(info, entry, source.chunk_bytes) for info, entry in found]


class _Entry(BaseModel):
    """A file as a manifest has it. `count` is how many resources it should have."""

    model_config = ConfigDict(frozen=True, strict=True)

    url: str
    type: str | None = None
    count: int | None = None


def _cut(info: ObjectInfo, entry: _Entry, chunk_bytes: int) -> InputFile:
    """A gzipped file can only be read from its start."""
    cuts, sizes = even_cuts(info.size, chunk_bytes)
    if info.key.endswith(".gz"):
        cuts, sizes = (0, max(1, info.size)), (info.size,)
    return InputFile(info.key, info.etag, entry.type, cuts, sizes, entry.count)


def _from_manifest(store: Store, name: str) -> Iterable[tuple[ObjectInfo, _Entry]]:
    seen: set[str] = set()
    for number, entry in enumerate(_entries(store, name)):
        key = _key_of(entry.url)
        head = store.head(key) if key else None
        if head is None:
            raise SpecError(
                f"file {number + 1} of the manifest is not beside it: download the export into one directory, "
                "under the last part of each url"
            )
        if key not in seen:
            seen.add(key)
            yield head, entry


def _entries(store: Store, name: str) -> Sequence[_Entry]:
    try:
        manifest = json.loads(store.get(name, max_bytes=_MOST_BYTES))
        return [_Entry.model_validate(item) for part in _LISTS for item in _listed(manifest, part)]
    except (ObjectMissing, ObjectTooLarge):
        raise SpecError("input.uri names a manifest that is not there, or is none: correct the uri") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise SpecError("input.uri is not the manifest of a bulk export: it has no list `output` of urls") from None


def _listed(manifest: Any, part: str) -> Sequence[Any]:
    return manifest[part] if part == "output" else manifest.get(part) or ()


def _key_of(url: str) -> str:
    """Relative urls lie beside the manifest; of one on the server that exported, only the name is known here."""
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.scheme or parts.netloc:
        return path.rsplit("/", 1)[-1]
    relative = path.lstrip("/").removeprefix("./")
    return "" if ".." in relative.split("/") else relative
