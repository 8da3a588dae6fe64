"""Which sets of genotype files a uri names: one, or several that lie beside each other, as one of each chromosome."""

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType

from cluster.storage import ObjectInfo, StorageSettings, Store, open_store, split
from cluster.storage.uri import join
from schemas.errors import SpecError

ENDINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "bed": (".bed", ".bim", ".fam"),
        "pgen": (".pgen", ".pgen.pgi", ".pvar", ".pvar.zst", ".bim", ".psam", ".fam"),
        "bgen": (".bgen", ".bgen.bgi", ".sample"),
    }
)
"""How the names of the files of a set end, by format; the genotypes come first."""
_GLOB = re.compile(r"[*?\[]")


def named_sets(format: str, uri: str, storage: StorageSettings | None = None) -> list[str]:
    """The uri of every set, in the order of the numbers in their names: chr2 comes before chr10.

    A uri that ends with `/` names every set in the folder, one with `*`, `?` or `[...]` in its last part those that
    fit; any other is one set, whether it is there or not. Raises SpecError where none fits.
    """
    if not _names_several(format, uri, storage):
        return [uri]
    store, stems = _stems(format, uri, storage)
    if not stems:
        raise SpecError(
            f"input.uri: nothing there ends with {ENDINGS[format][0]}"
            f"{'' if uri.endswith('/') else ' and fits ' + repr(split(uri)[1])}: correct input.uri or input.format"
        )
    return [join(store.uri, stem + ENDINGS[format][0]) for stem in stems]


def objects_of(format: str, uri: str, storage: StorageSettings | None = None) -> Iterator[ObjectInfo]:
    """Every file of every set that has its genotypes, by key."""
    main, *_ = endings = ENDINGS[format]
    if _names_several(format, uri, storage):
        store, found = _stems(format, uri, storage)
        prefix, stems = "", set(found)
    else:
        folder, name = split(uri)
        prefix = name.removesuffix(main)
        store, stems = open_store(folder, storage), {prefix}
    there = list(store.list(prefix))
    stems &= {info.key.removesuffix(main) for info in there if info.key.endswith(main)}
    for info in there:
        if any(info.key.endswith(end) and info.key.removesuffix(end) in stems for end in endings):
            yield info


def _names_several(format: str, uri: str, storage: StorageSettings | None) -> bool:
    if uri.endswith("/"):
        return True
    folder, name = split(uri)
    if not _GLOB.search(name):
        return False
    # A file may have such a sign in its name.
    store, main = open_store(folder, storage), ENDINGS[format][0]
    return all(store.head(one) is None for one in {name, name.removesuffix(main) + main})


def _stems(format: str, uri: str, storage: StorageSettings | None) -> tuple[Store, list[str]]:
    folder, pattern = (uri, "*") if uri.endswith("/") else split(uri)
    store, main = open_store(folder, storage), ENDINGS[format][0]
    sign = _GLOB.search(pattern)
    plain = pattern[: sign.start()] if sign else pattern
    stems = [info.key.removesuffix(main) for info in store.list(plain) if info.key.endswith(main)]
    fits = [s for s in stems if "/" not in s and (fnmatchcase(s, pattern) or fnmatchcase(s + main, pattern))]
    return store, sorted(fits, key=_by_number)


def _by_number(name: str) -> list[str | int]:
    """Text and numbers in turn, so that numbers are compared as such."""
    return [int(part) if at % 2 else part for at, part in enumerate(re.split(r"([0-9]+)", name))]
