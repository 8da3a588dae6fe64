"""What stands before the genotypes of a line of VCF, and what becomes of the line because of it."""

import re
from dataclasses import dataclass

from schemas.status import Status
from workers.genomics.chromosomes import normalise
from workers.genomics.convert_vcf.lines import Line
from workers.genomics.convert_vcf.settings import VcfInput
from workers.genomics.table.layout import SKIPPED, UNREADABLE

_FIXED = 9
_MOST = (1 << 31) - 1
_BASES = re.compile(rb"[ACGTNRYSWKMBDHVUacgtnryswkmbdhvu]+")
_SYMBOLIC = re.compile(rb"<[^<>\s]+>")
_BREAKEND = re.compile(rb"[^\s,]*[\[\]][^\s,]*|\.[A-Za-z]+|[A-Za-z]+\.")
_REFERENCE_BLOCK = frozenset({b"<NON_REF>", b"<*>"})

NO_ALT_LEFT = "its alternatives are symbolic, breakends or *"


@dataclass(frozen=True)
class Site:
    """A line whose genotypes are wanted. `alts`: number and text of the alternatives that become variants; none: its
    REF is all there is. `note` is what was left out. `genotypes` is what follows FORMAT; `gt` whether GT is in it, and
    `dosage` which of its fields has dosages."""

    chrom: str
    pos: int
    id: str | None
    ref: str
    alts: tuple[tuple[int, str], ...]
    n_alleles: int
    note: str | None
    gt: bool
    dosage: int | None
    genotypes: bytes


@dataclass(frozen=True)
class Refused:
    """A line that gives no variant, and why."""

    outcome: str
    status: Status
    reason: str
    chrom: str | None = None
    pos: int | None = None


def site_of(line: Line, samples: int, source: VcfInput) -> Site | Refused:
    """Read one line up to its genotypes."""
    if line.trouble is not None:
        return Refused(UNREADABLE, *line.trouble)
    if not line.data:
        return Refused(SKIPPED, Status.OK, "an empty line")
    fields = line.data.split(b"\t", _FIXED)
    if len(fields) <= _FIXED:
        return _unreadable("it has fewer columns than the header says")
    if fields[_FIXED].count(b"\t") != samples - 1:
        return _unreadable("it has another number of columns than the header says")
    try:
        chrom, name = normalise(fields[0].decode()), fields[2].decode()
    except UnicodeDecodeError:
        return _unreadable("it is not UTF-8")
    if not chrom or chrom.startswith("#") or not fields[1].isdigit() or int(fields[1][:11]) > _MOST:
        return _unreadable("it has no chromosome or no position")
    pos = int(fields[1])
    found = _alleles(fields[3], fields[4], source)
    if isinstance(found, Refused):
        return Refused(found.outcome, found.status, found.reason, chrom, pos)
    ref, alts, n_alleles, note = found
    if source.only_pass and fields[6] not in (b"PASS", b"."):
        return Refused(SKIPPED, Status.OK, "its FILTER is not PASS", chrom, pos)
    keys = fields[8].split(b":")
    gt = keys[0] == b"GT"
    if not gt and b"GT" in keys:
        return Refused(UNREADABLE, Status.UNREADABLE, "GT is not the first of its FORMAT", chrom, pos)
    dosage = keys.index(source.dosage.encode()) if source.dosage and source.dosage.encode() in keys else None
    if not gt and dosage is None:
        return Refused(SKIPPED, Status.UNSUPPORTED, "it has no genotypes: GT is not in its FORMAT", chrom, pos)
    return Site(chrom, pos, name if name != "." else None, ref, alts, n_alleles, note, gt, dosage, fields[_FIXED])


def _unreadable(reason: str) -> Refused:
    return Refused(UNREADABLE, Status.UNREADABLE, reason)


def _alleles(
    ref: bytes, alt: bytes, source: VcfInput
) -> Refused | tuple[str, tuple[tuple[int, str], ...], int, str | None]:
    """REF, the alternatives that become variants, how many alleles there are, and what was left out."""
    if _BASES.fullmatch(ref) is None:
        return _unreadable("its REF is no sequence of bases")
    reference = ref.decode().upper()
    if alt == b".":
        if source.monomorphic == "skip":
            return Refused(SKIPPED, Status.OK, "it has no alternative")
        return reference, (), 1, None
    alts, left_out = [], 0
    given = alt.split(b",")
    for number, allele in enumerate(given, 1):
        kind = _kind(allele)
        if kind is None:
            return _unreadable("an alternative is no allele")
        if kind == "bases":
            alts.append((number, allele.decode().upper()))
        elif kind == "symbolic" and source.symbolic == "keep":
            alts.append((number, allele.decode(errors="replace")))
        else:
            left_out += 1
    if not alts:
        only_block = all(allele in _REFERENCE_BLOCK for allele in given)
        return Refused(SKIPPED, Status.OK, "it is a reference block of a gVCF" if only_block else NO_ALT_LEFT)
    note = f"{left_out} of its alternatives are symbolic, breakends or * and were left out" if left_out else None
    return reference, tuple(alts), len(given) + 1, note


def _kind(allele: bytes) -> str | None:
    if _BASES.fullmatch(allele):
        return "bases"
    if allele in _REFERENCE_BLOCK:
        return "block"
    if allele == b"*" or _SYMBOLIC.fullmatch(allele) or _BREAKEND.fullmatch(allele):
        return "symbolic"
    return None
