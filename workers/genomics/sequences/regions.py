"""From what was read of a record to the window that one model is shown."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from schemas.status import Fault, Status
from workers.genomics.sequences.steps import Preparation
from workers.genomics.sequences.windows import Bases, VariantWindow

_UPPER = np.arange(256, dtype=np.uint8)
_UPPER[ord("a") : ord("z") + 1] -= 32
_ODD = np.ones(256, np.bool_)
_ODD[list(b"ACGTN")] = False
_TO_N = np.where(_ODD, ord("N"), np.arange(256)).astype(np.uint8)
_AS_DNA = _UPPER.copy()
_AS_DNA[list(b"Uu")] = ord("T")
_NO_BASE = np.ones(256, np.bool_)
_NO_BASE[list(b"ACGTRYKMSWBDHVN")] = False
_NO_RESIDUE = np.ones(256, np.bool_)
_NO_RESIDUE[list(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz*-.")] = False


@dataclass(frozen=True)
class Region:
    """The reference around a variant, or a whole sequence.

    `bases` of a reference are upper case, from place `start` of the contig on, N where there is no contig. `pos` is the
    place of the first base of REF (0-based). `alt` is None for a sequence, whose letters are as they were written. ALT
    alleles of one site share `bases`.
    """

    bases: Bases
    contig: str = ""
    contig_length: int = 0
    start: int = 0
    pos: int = 0
    ref_length: int = 0
    alt: Bases | None = None


@dataclass(frozen=True)
class View:
    """What one model is to be shown: its steps, and what its card says of it."""

    steps: Preparation
    alphabet: str
    longest: int | None
    fixed: int | None = None
    """Letters of a sequence that the model takes, exactly."""


EMPTY = Fault(Status.EMPTY, "there is no sequence")

Cache = dict[tuple[str, int, int], "Bases | Fault"]
"""Bases of windows that were cut for one model, so that the ALT alleles of a site get the same array."""


def upper(bases: Bases) -> Bases:
    """Soft-masked bases are bases like others."""
    return _UPPER[bases]


def window_of(region: Region, view: View, cache: Cache) -> VariantWindow | Fault:
    """The window of this record for this model, or why it has none."""
    return _sequence(region, view) if region.alt is None else _variant(region, region.alt, view, cache)


def _variant(region: Region, alt: Bases, view: View, cache: Cache) -> VariantWindow | Fault:
    steps = view.steps
    length, left = steps.left + steps.right, steps.left
    # Both sides of a splice model's window keep their place: nothing is pushed out, nothing let in.
    grows = steps.splice is not None
    if max(region.ref_length, 0 if grows else len(alt)) > steps.right:
        return Fault(Status.OUT_OF_CONTRACT, f"an allele does not fit into the {steps.right} bases from its place on")
    start = region.pos - left
    end = region.pos + steps.right + (0 if grows else max(0, region.ref_length - len(alt)))
    if steps.window.edges == "refuse" and (start < 0 or end > region.contig_length):
        return Fault(Status.OUT_OF_CONTRACT, "the window reaches over the end of its contig")
    wanted = (region.contig, start, region.ref_length)
    if wanted not in cache:
        first = start - region.start
        cache[wanted] = _plain(region.bases[first : first + length + region.ref_length - 1], view)
    bases, put = cache[wanted], _plain(alt, view)
    if isinstance(bases, tuple):
        return bases
    if isinstance(put, tuple):
        return put
    return VariantWindow(region.contig, start, bases, length, left, region.ref_length, put)


def _sequence(region: Region, view: View) -> VariantWindow | Fault:
    size = len(region.bases)
    if view.longest is not None and size > view.longest:
        return Fault(
            Status.OUT_OF_CONTRACT, f"the sequence has more than the {view.longest} letters that the model takes"
        )
    if view.fixed is not None and size != view.fixed:
        return Fault(Status.OUT_OF_CONTRACT, f"the sequence has not the {view.fixed} letters that the model takes")
    bases = _plain(region.bases, view)
    return bases if isinstance(bases, tuple) else VariantWindow(region.contig, 0, bases, size, 0)


def _plain(bases: Bases, view: View) -> Bases | Fault:
    """The bases with only A, C, G, T and N left where they are DNA; U is T, and soft-masked ones are like others.

    Of a protein every letter is left to the model's tokenizer, small ones too: to most of them `k` is no lysine.
    """
    if view.alphabet == "protein":
        if _NO_RESIDUE[bases].any():
            return Fault(Status.OUT_OF_CONTRACT, "the sequence has characters that are no amino acids")
        return bases
    bases = _AS_DNA[bases]
    if not _ODD[bases].any():
        return bases
    if _NO_BASE[bases].any():
        return Fault(Status.OUT_OF_CONTRACT, "the sequence has letters that are no bases")
    if view.steps.window.ambiguous == "refuse":
        return Fault(Status.OUT_OF_CONTRACT, "the window has codes that stand for several bases")
    return _TO_N[bases]


CODES: Mapping[int, bytes] = {
    ord(code): bases.encode()
    for code, bases in {
        "R": "AG", "Y": "CT", "K": "GT", "M": "AC", "S": "CG", "W": "AT", "B": "CGT", "D": "AGT", "H": "ACT",
        "V": "ACG",
    }.items()
}  # fmt: skip
"""IUPAC codes of several bases, but for N."""


def agrees(ref: Bases, reference: Bases) -> bool:
    """Whether REF of a VCF is what the reference has there.

    Of a code that stands for several bases REF may have any, or N: VCF itself allows no others.
    """
    if len(ref) != len(reference):
        return False
    for place in np.flatnonzero(ref != reference).tolist():
        if ref[place] not in CODES.get(int(reference[place]), b"") + (b"N" if int(reference[place]) in CODES else b""):
            return False
    return True
