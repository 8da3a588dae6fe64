"""The genes of a splice model: where each is transcribed, on which strand, and where its exons begin and end.

A table of one transcript a gene in text with tabs, as the package `spliceai` has it (`annotations/grch38.txt`): columns
`#NAME`, `CHROM`, `STRAND` (+ or -), `TX_START`, `TX_END`, `EXON_START`, `EXON_END`; starts are 0-based, ends are behind
the last base, those of exons are lists with commas. Other columns are left alone.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from schemas.errors import SpecError
from workers.genomics.sequences.contig_names import ContigNames

GENES_LIMIT = 256 << 20
"""Bytes; a table of all human genes has about 10 MB."""
_COLUMNS = ("#NAME", "CHROM", "STRAND", "TX_START", "TX_END", "EXON_START", "EXON_END")

Places = NDArray[np.int64]


@dataclass(frozen=True)
class Gene:
    """One transcript. `first` and `last` are the first and the last base of it, `edges` of its exons: 1-based, sorted.

    `number` is its line in the table, counted from 0.
    """

    number: int
    symbol: str
    is_reverse: bool
    first: int
    last: int
    edges: Places

    def nearest_edge(self, pos: int) -> int:
        """How far the nearest end of an exon is to the right of this place; of two as near the left one."""
        offsets = self.edges - pos
        return int(offsets[np.abs(offsets).argmin()])


class GeneTable:
    """The genes of a table by their places."""

    def __init__(self, genes: Mapping[str, Sequence[Gene]]) -> None:
        """`genes` are those of each contig, in the order of the table."""
        self._genes = genes
        self._ends = {
            contig: (np.array([gene.first for gene in found]), np.array([gene.last for gene in found]))
            for contig, found in genes.items()
        }
        self._names = ContigNames(genes)

    @property
    def contigs(self) -> Sequence[str]:
        """Names of the contigs that have genes."""
        return list(self._genes)

    def at(self, contig: str, pos: int) -> list[Gene]:
        """The genes that are transcribed over this place (1-based), in the order of the table."""
        name = self._names.find(contig)
        if name is None:
            return []
        first, last = self._ends[name]
        return [self._genes[name][place] for place in np.flatnonzero((first <= pos) & (pos <= last)).tolist()]


def read_genes(path: Path) -> GeneTable:
    """Read a whole table. Raises SpecError that names the line and the column."""
    try:
        if path.stat().st_size > GENES_LIMIT:
            raise SpecError(f"{path}: larger than {GENES_LIMIT} bytes, which no table of genes is")
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: cannot be read as a table of genes ({error})") from error
    header = lines[0].split("\t") if lines else []
    missing = [name for name in _COLUMNS if name not in header]
    if missing:
        raise SpecError(f"{path}: has no column {missing[0]}; a table of genes has {', '.join(_COLUMNS)}")
    places = [header.index(name) for name in _COLUMNS]
    genes: dict[str, list[Gene]] = defaultdict(list)
    for number, line in enumerate(line for line in lines[1:] if line.strip()):
        fields = line.split("\t")
        if len(fields) != len(header):
            raise SpecError(f"{path}: gene {number + 1} has {len(fields)} columns, the header has {len(header)}")
        symbol, contig, *others = (fields[place] for place in places)
        genes[contig].append(_gene(number, symbol, others, path))
    if not genes:
        raise SpecError(f"{path}: has no gene")
    return GeneTable(genes)


def _gene(number: int, symbol: str, fields: Sequence[str], path: Path) -> Gene:
    strand, *numbers = fields
    where = f"{path}: gene {number + 1} ({symbol})"
    if strand not in ("+", "-"):
        raise SpecError(f"{where}: STRAND must be + or -")
    try:
        first, last = int(numbers[0]) + 1, int(numbers[1])
        starts, ends = ([int(place) for place in text.split(",") if place] for text in numbers[2:])
    except ValueError:
        raise SpecError(f"{where}: TX_START, TX_END, EXON_START and EXON_END must be whole numbers") from None
    if not starts or len(starts) != len(ends) or first > last:
        raise SpecError(f"{where}: must have a first and a last base, and as many starts of exons as ends")
    edges = np.unique(np.array([start + 1 for start in starts] + ends, np.int64))
    return Gene(number, symbol, strand == "-", first, last, edges)
