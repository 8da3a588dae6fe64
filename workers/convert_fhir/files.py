"""Which files a bulk export has, and how they are cut."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from cluster.storage import ObjectInfo, ObjectMissing, ObjectTooLarge, StorageSettings, Store, open_store, split
from schemas.errors import SpecError
from workers.convert_fhir.settings import FhirInput
from workers.meds.chunks import InputFile, even_cuts

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
        found = [info for info in store.list() if info.key.endswith(_ENDS)]
    if not found:
        raise SpecError("input.uri has no *.ndjson and no *.ndjson.gz: name the directory of a bulk export")
    return [_cut(info, source.chunk_bytes) for info in found]


def _cut(info: ObjectInfo, chunk_bytes: int) -> InputFile:
    """A gzipped file can only be read from its start."""
    if info.key.endswith(".gz"):
        return InputFile(info.key, info.etag, None, (0, max(1, info.size)), (info.size,))
    return InputFile(info.key, info.etag, None, *even_cuts(info.size, chunk_bytes))


def _from_manifest(store: Store, name: str) -> Iterable[ObjectInfo]:
    seen: set[str] = set()
    for number, url in enumerate(_urls(store, name)):
        key = _key_of(url)
        head = store.head(key) if key else None
        if head is None:
            raise SpecError(
                f"file {number + 1} of the manifest is not beside it: download the export into one directory, "
                "under the last part of each url"
            )
        if key not in seen:
            seen.add(key)
            yield head


def _urls(store: Store, name: str) -> Sequence[str]:
    try:
        manifest = json.loads(store.get(name, max_bytes=_MOST_BYTES))
        urls = [item["url"] for part in _LISTS for item in _listed(manifest, part)]
    except (ObjectMissing, ObjectTooLarge):
        raise SpecError("input.uri names a manifest that is not there, or is none: correct the uri") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SpecError("input.uri is not the manifest of a bulk export: it has no list `output` of urls") from None
    if not all(isinstance(url, str) for url in urls):
        raise SpecError("input.uri is not the manifest of a bulk export: a url in it is not text")
    return urls


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
