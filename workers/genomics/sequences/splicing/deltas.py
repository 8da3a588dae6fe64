"""Which splice sites a variant makes or unmakes: from the probabilities of each position to scores and where.

As published (Jaganathan et al., Cell 2019, and the package `spliceai`): of acceptors and of donors the largest gain,
ALT less REF, and the largest loss, each with its place relative to the variant. So that ALT's positions stand beside
those of REF, a deletion is filled with zeros, and the bases of an insertion become one position, the largest of each.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workers.genomics.sequences.splicing.encoding import SpliceVariant
from workers.genomics.sequences.splicing.genes import Gene

Float = NDArray[np.float32]

KINDS = ("ag", "al", "dg", "dl")
"""Acceptor gain and loss, donor gain and loss, in the published order."""
MEANING = "acceptor gain (ag), acceptor loss (al), donor gain (dg), donor loss (dl)"
GENES_TYPE = (
    "list<struct<symbol: string, "
    + ", ".join([f"ds_{kind}: float32" for kind in KINDS] + [f"dp_{kind}: int32" for kind in KINDS])
    + ">>"
)
"""The type of a column with an entry a gene: delta scores and delta positions. No other kind of model has one of it."""


class Sites(NamedTuple):
    """Which outputs of a position are the probabilities of an acceptor and of a donor."""

    acceptor: int
    donor: int


def gene_entry(
    variant: SpliceVariant, gene: Gene, ref: Float, alt: Float, sites: Sites, masked: bool
) -> dict[str, Any]:
    """An entry of a column of `GENES_TYPE`, of probabilities (positions, outputs) of REF and ALT on the gene's strand.

    REF has as many positions on either side of the variant; ALT has more or fewer by what the variant adds.
    """
    if gene.is_reverse:
        ref, alt = ref[::-1], alt[::-1]
    change = _aligned(variant, alt, len(ref)) - ref
    edge = gene.nearest_edge(variant.pos) if masked else 0
    scores: dict[str, Any] = {}
    places: dict[str, Any] = {}
    for kind, site, sign in zip(KINDS, (sites.acceptor,) * 2 + (sites.donor,) * 2, (1, -1, 1, -1), strict=True):
        of_site = sign * change[:, site]
        at = int(of_site.argmax())
        place = at - len(ref) // 2
        # A gain at the end of an exon, and a loss anywhere else, is no news.
        is_masked = masked and (place == edge) == (sign > 0)
        scores[f"ds_{kind}"] = np.float32(of_site[at] * (not is_masked))
        places[f"dp_{kind}"] = place
    return {"symbol": gene.symbol, **scores, **places}


def _aligned(variant: SpliceVariant, alt: Float, positions: int) -> Float:
    """ALT's positions beside those of REF, left to right on the reference."""
    middle = positions // 2
    if variant.ref_length > 1:
        behind = middle + variant.alt_length
        lost = np.zeros((variant.ref_length - variant.alt_length, alt.shape[1]), np.float32)
        return np.concatenate([alt[:behind], lost, alt[behind:]])
    if variant.alt_length > 1:
        behind = middle + variant.alt_length
        return np.concatenate([alt[:middle], alt[middle:behind].max(axis=0, keepdims=True), alt[behind:]])
    return alt


def largest(entries: list[dict[str, Any]]) -> np.float32 | None:
    """The largest delta score of all genes; None without a gene."""
    found = [entry[f"ds_{kind}"] for entry in entries for kind in KINDS]
    return np.float32(np.max(found)) if found else None
