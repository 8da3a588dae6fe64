"""One contig under the names that files give it: with `chr` or without, M or MT, a RefSeq accession."""

from collections import defaultdict
from collections.abc import Iterable

from workers.genomics.chromosomes import normalise


class ContigNames:
    """The names of the contigs of one file, found by those of another."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        by_plain: dict[str, list[str]] = defaultdict(list)
        for name in sorted(self._names):
            by_plain[_plain(name)].append(name)
        # Of two contigs with one plain name neither is meant.
        self._aliases = {plain: found[0] for plain, found in by_plain.items() if len(found) == 1}

    def find(self, name: str) -> str | None:
        """The contig that another file calls so, by the very name or by what both come to; None: there is none."""
        return name if name in self._names else self._aliases.get(_plain(name))


def _plain(name: str) -> str:
    known = normalise(name)
    return known if known != name else name.removeprefix("chr").removeprefix("Chr").removeprefix("CHR")
