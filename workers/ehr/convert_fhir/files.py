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
from workers.reading.listing import named_file, nothing_fits

_LINES = (".ndjson", ".jsonl")
_DOCUMENTS = (".json",)
_MOST_BYTES = 64 << 20
_FIRST_BYTES = 4096
_LISTS = ("output", "deleted", "error", "outcome")
"""Lists of a manifest. Those of `deleted` are Bundles that say which resources are gone; files of the last two name
problems, of which rules make nothing, so that they are in the account and not in the dataset."""


def is_document(key: str) -> bool:
    """Whether a file is JSON as a whole, and not line by line."""
    return key.lower().removesuffix(".gz").endswith(_DOCUMENTS)


def _is_file(name: str) -> bool:
    return name.lower().removesuffix(".gz").endswith((*_LINES, *_DOCUMENTS))


def root_of(source: FhirInput, storage: StorageSettings) -> Store:
    """Where the keys of the files lie."""
    return open_store(split(source.uri)[0] if _is_file(source.uri) else source.uri, storage)


def export_files(source: FhirInput, storage: StorageSettings) -> list[InputFile]:
    """Every file, by key, or as the manifest has them. Raises SpecError where there are none, or one is missing."""
    store = root_of(source, storage)
    if _is_file(source.uri):
        found = list(_from_file(store, split(source.uri)[1]))
    else:
        found = [(info, _Entry(url=info.key)) for info in store.list() if _is_file(info.key)]
    if not found:
        raise nothing_fits(store, "no *.ndjson and no *.json, also gzipped: name the directory of a FHIR export")
    return [_cut(info, entry, source.chunk_bytes) for info, entry in found]


def _from_file(store: Store, name: str) -> Iterable[tuple[ObjectInfo, "_Entry"]]:
    """The files of a manifest, or the one file that it is."""
    if is_document(name) and not name.lower().endswith(".gz") and not _has_resources(store, name):
        yield from _from_manifest(store, name)
        return
    yield named_file(store, name), _Entry(url=name)


def _has_resources(store: Store, name: str) -> bool:
    """Whether a JSON file is a Bundle or a resource itself, by its first kilobytes."""
    try:
        return b'"resourceType"' in store.get(name, 0, _FIRST_BYTES)
    except ObjectMissing:
        return False


class _Entry(BaseModel):
    """A file as a manifest has it. `count` is how many resources it should have."""

    model_config = ConfigDict(frozen=True, strict=True)

    url: str
    type: str | None = None
    count: int | None = None


def _cut(info: ObjectInfo, entry: _Entry, chunk_bytes: int) -> InputFile:
    """A gzipped file can only be read from its start, a document only as a whole."""
    cuts, sizes = even_cuts(info.size, chunk_bytes)
    if info.key.lower().endswith(".gz") or is_document(info.key):
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
