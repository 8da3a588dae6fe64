"""The surroundings of one variant on the reference, and what the variant makes of them: what sequence models score.

Both windows have the model's length. What an insertion adds pushes the bases on one side of it out of the window; what
a deletion takes away lets as many in: on the right, since the left side keeps its place. On the reverse strand the
same two windows are read the other way round, and it is the right side that keeps its place. Where both sides keep
theirs, as splice models have it, the window of ALT is so much longer or shorter as the variant makes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Bases = NDArray[np.uint8]
"""ASCII codes of upper-case bases."""

Anchor = Literal["left", "right", "both"]

_OTHER_WAY: dict[Anchor, Anchor] = {"left": "right", "right": "left", "both": "both"}
_COMPLEMENT = np.arange(256, dtype=np.uint8)
_COMPLEMENT[list(b"ACGTRYMKBVDHU")] = list(b"TGCAYRKMVBHDA")


@dataclass(frozen=True)
class VariantWindow:
    """One ALT allele at its place.

    `bases` are the reference from place `start` of `contig` on (0-based; before and behind the contig they are N):
    `length` of them are the model's, the others are for what a deletion lets in. `ref_length` bases from `centre` on
    are REF, `alt` is put in their stead; None: there is no variant, only a sequence. ALT alleles of one site share
    `bases`, the array itself. `anchor` is the side that keeps its place; of `both`, `bases` are `length` and no more.
    """

    contig: str
    start: int
    bases: Bases
    length: int
    centre: int
    ref_length: int = 0
    alt: Bases | None = None
    anchor: Anchor = "left"

    def ref_window(self) -> Bases:
        """(length,) the reference."""
        return self._cut(self.bases)

    def alt_window(self) -> Bases:
        """The reference with the variant in it, (length,) unless both sides keep their place.

        Raises ValueError where there is no variant.
        """
        if self.alt is None:
            raise ValueError("a sequence without a variant has no window of ALT")
        before, behind = self.bases[: self.centre], self.bases[self.centre + self.ref_length :]
        return self._cut(np.concatenate([before, self.alt, behind]))

    def reverse(self) -> VariantWindow:
        """The other strand: both windows are exactly the reverse complements of these.

        Its places are counted backwards from the contig's start, so that windows that overlap still do.
        """
        return VariantWindow(
            contig=self.contig,
            start=-(self.start + len(self.bases)),
            bases=reverse_complement(self.bases),
            length=self.length,
            centre=len(self.bases) - self.centre - self.ref_length,
            ref_length=self.ref_length,
            alt=None if self.alt is None else reverse_complement(self.alt),
            anchor=_OTHER_WAY[self.anchor],
        )

    def _cut(self, bases: Bases) -> Bases:
        if self.anchor == "both":
            return bases
        return bases[: self.length] if self.anchor == "left" else bases[len(bases) - self.length :]


def reverse_complement(bases: Bases) -> Bases:
    """IUPAC codes become those of the complement; other letters stay."""
    return np.ascontiguousarray(_COMPLEMENT[bases][::-1])
