"""From the surroundings of a variant to what a splice model is shown: one window a gene, on the gene's strand.

Beyond the ends of the transcript there is N, so that a model sees the gene and nothing of its neighbours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from schemas.status import Fault, Status
from workers.contract import Encoded
from workers.genomics.sequences.splicing.genes import Gene, GeneTable
from workers.genomics.sequences.windows import Bases, VariantWindow

_N = ord("N")
_COMPLEX = Fault(
    Status.UNSUPPORTED, "REF and ALT both have several bases: the published procedure has no score of such"
)


@dataclass(frozen=True)
class GeneWindow:
    """The surroundings of a variant as a gene has them, on its strand."""

    gene: Gene
    window: VariantWindow


@dataclass(frozen=True)
class SpliceVariant:
    """One ALT allele; `pos` is the first base of REF, 1-based. Without genes it lies in none."""

    pos: int
    ref_length: int
    alt_length: int
    genes: tuple[GeneWindow, ...]


class SpliceEncoder:
    """Implements `workers.genomics.sequences.contract.SequenceEncoder`. Gives `SpliceVariant`."""

    def __init__(self, genes: GeneTable, distance: int) -> None:
        self._genes = genes
        self._distance = distance

    def encode(self, windows: Sequence[VariantWindow]) -> list[Encoded]:
        """One value a window, in order."""
        shared: dict[tuple[str, int, int], Bases] = {}
        return [self._one(window, shared) for window in windows]

    def _one(self, window: VariantWindow, shared: dict[tuple[str, int, int], Bases]) -> Encoded:
        if window.alt is None:
            raise ValueError("a splice model scores variants")
        pos = window.start + window.centre + 1
        genes = self._genes.at(window.contig, pos)
        if genes and window.ref_length > 1 and len(window.alt) > 1:
            return Encoded(None, fault=_COMPLEX)
        if genes and window.ref_length > 2 * self._distance:
            detail = f"REF has more bases than twice the distance of {self._distance} within which sites are looked for"
            return Encoded(None, fault=Fault(Status.OUT_OF_CONTRACT, detail))
        found = tuple(GeneWindow(gene, _within(gene, window, shared)) for gene in genes)
        nbytes = sum(each.window.bases.nbytes for each in found) + 500
        return Encoded(SpliceVariant(pos, window.ref_length, len(window.alt), found), nbytes)


def _within(gene: Gene, window: VariantWindow, shared: dict[tuple[str, int, int], Bases]) -> VariantWindow:
    """ALT alleles of one site get the same array, and the genes of a contig do as if each were one of its own."""
    key = (window.contig, window.start, gene.number)
    if key not in shared:
        bases = window.bases[: window.length].copy()
        bases[: max(0, gene.first - 1 - window.start)] = _N
        bases[max(0, gene.last - window.start) :] = _N
        shared[key] = np.ascontiguousarray(bases)
    own = VariantWindow(
        contig=f"{window.contig}\t{gene.number}",
        start=window.start,
        bases=shared[key],
        length=window.length,
        centre=window.centre,
        ref_length=window.ref_length,
        alt=window.alt,
        anchor="both",
    )
    return own.reverse() if gene.is_reverse else own
