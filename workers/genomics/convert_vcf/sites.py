"""What stands before the genotypes of a line of VCF, and what becomes of the line because of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.status import Status
from workers.genomics.chromosomes import normalise
from workers.genomics.convert_vcf.dosages import HAPLOTYPES
from workers.genomics.convert_vcf.lines import Line
from workers.genomics.convert_vcf.settings import VcfInput
from workers.genomics.table.layout import SKIPPED, UNREADABLE

_FIXED = 9
_MOST = (1 << 31) - 1
_BASES = re.compile(rb"[ACGTNRYSWKMBDHVUacgtnryswkmbdhvu]+")
_SYMBOLIC = re.compile(rb"<[^<>\s]+>")
_BREAKEND = re.compile(rb"[^\s,]*[\[\]][^\s,]*|\.[A-Za-z]+|[A-Za-z]+\.")
_REFERENCE_BLOCK = frozenset({b"<NON_REF>", b"<*>"})
_NUMBER = re.compile(rb"[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?|\.[0-9]+([eE][-+]?[0-9]+)?")

NO_ALT_LEFT = "its alternatives are symbolic, breakends or *"
BLOCK = "it is a reference block of a gVCF"


@dataclass(frozen=True)
class Alleles:
    """REF, number and text of the alternatives that become variants, how many alleles there are, and what was left out.
    No alternatives: REF is all there is."""

    ref: str
    alts: tuple[tuple[int, str], ...]
    count: int
    note: str | None = None

    @property
    def left_out(self) -> list[int]:
        """Numbers of the alleles that became no variant: a call that names one says nothing of the others."""
        kept = {number for number, _ in self.alts}
        return [number for number in range(1, self.count) if number not in kept]


@dataclass(frozen=True)
class Fields:
    """Places in FORMAT of what is read of it; None: it is not there. `plain`: DS, where HDS is asked for, which has the
    dosages that are not phased."""

    gt: int | None
    dosage: int | None
    plain: int | None = None
    gq: int | None = None
    dp: int | None = None

    @property
    def has_dosage(self) -> bool:
        """Whether there are dosages."""
        return self.dosage is not None or self.plain is not None


@dataclass(frozen=True)
class Site:
    """A line whose genotypes are wanted. `end`: the last position of a reference block. `genotypes` is what follows
    FORMAT."""

    chrom: str
    pos: int
    end: int | None
    id: str | None
    alleles: Alleles
    fields: Fields
    genotypes: bytes

    @property
    def calls(self) -> bytes:
        """The genotypes with GT first in each."""
        place = self.fields.gt
        if not place:
            return self.genotypes
        parts = (sample.split(b":") for sample in self.genotypes.split(b"\t"))
        return b"\t".join(part[place] if len(part) > place else b"." for part in parts)


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
    found = _alleles(fields[3], fields[4], fields[7], source)
    if isinstance(found, Refused):
        return Refused(found.outcome, found.status, found.reason, chrom, pos)
    if source.only_pass and fields[6] not in (b"PASS", b"."):
        return Refused(SKIPPED, Status.OK, "its FILTER is not PASS", chrom, pos)
    places = _places(fields[8].split(b":"), source)
    if places.gt is None and not places.has_dosage:
        return Refused(SKIPPED, Status.UNSUPPORTED, "it has no genotypes: GT is not in its FORMAT", chrom, pos)
    end = None if found.alts else _end(fields[7], pos)
    return Site(chrom, pos, end, name if name != "." else None, found, places, fields[_FIXED])


def _unreadable(reason: str) -> Refused:
    return Refused(UNREADABLE, Status.UNREADABLE, reason)


def _skipped(reason: str) -> Refused:
    return Refused(SKIPPED, Status.OK, reason)


def _places(keys: Sequence[bytes], source: VcfInput) -> Fields:
    def place(name: str | None) -> int | None:
        wanted = (name or "").encode()
        return keys.index(wanted) if wanted in keys else None

    gq = place("GQ") if source.min_gq is not None else None
    dp = place("DP") if source.min_dp is not None else None
    plain = place("DS") if source.dosage == HAPLOTYPES else None
    return Fields(place("GT"), place(source.dosage), plain, gq, dp)


def _alleles(ref: bytes, alt: bytes, info: bytes, source: VcfInput) -> Refused | Alleles:
    """The alleles that the settings leave."""
    if _BASES.fullmatch(ref) is None:
        return _unreadable("its REF is no sequence of bases")
    reference = ref.decode().upper()
    if alt == b".":
        return _skipped("it has no alternative") if source.monomorphic == "skip" else Alleles(reference, (), 1)
    given = alt.split(b",")
    kinds = [_kind(allele) for allele in given]
    if None in kinds:
        return _unreadable("an alternative is no allele")
    if all(kind == "block" for kind in kinds):
        return _skipped(BLOCK) if source.monomorphic == "skip" else Alleles(reference, (), len(given) + 1, BLOCK)
    poor = _poorly_imputed(info, len(given), source)
    if isinstance(poor, Refused):
        return poor
    alts, left_out, below = [], 0, 0
    for number, (allele, kind) in enumerate(zip(given, kinds, strict=True), 1):
        if kind == "block":
            continue
        if kind == "symbolic" and source.symbolic == "skip":
            left_out += 1
        elif number in poor:
            below += 1
        else:
            alts.append((number, allele.decode(errors="replace").upper() if kind == "bases" else _text(allele)))
    if not alts:
        return _skipped("its imputation quality is below min_info" if below else NO_ALT_LEFT)
    notes = [f"{left_out} of its alternatives are symbolic, breakends or * and were left out"] if left_out else []
    notes += [f"{below} of its alternatives are below min_info and were left out"] if below else []
    return Alleles(reference, tuple(alts), len(given) + 1, "; ".join(notes) or None)


def _text(allele: bytes) -> str:
    return allele.decode(errors="replace")


def _kind(allele: bytes) -> str | None:
    if _BASES.fullmatch(allele):
        return "bases"
    if allele in _REFERENCE_BLOCK:
        return "block"
    if allele == b"*" or _SYMBOLIC.fullmatch(allele) or _BREAKEND.fullmatch(allele):
        return "symbolic"
    return None


def _poorly_imputed(info: bytes, alts: int, source: VcfInput) -> frozenset[int] | Refused:
    """Numbers of the alternatives whose quality is too low. A quality that is not there is not good enough."""
    poor: set[int] = set()
    for name, least in source.min_info.items():
        text = _value(info, name.encode())
        values = (text or b"").split(b",")
        if text is None or not all(_NUMBER.fullmatch(value) for value in values):
            return _skipped(f"it has no {name} in INFO, which min_info asks for")
        of_alts = values if len(values) == alts else values[:1] * alts
        poor |= {number for number, value in enumerate(of_alts, 1) if float(value) < least}
    return frozenset(poor)


def _value(info: bytes, name: bytes) -> bytes | None:
    """The value of a key of INFO."""
    for part in info.split(b";"):
        key, sign, value = part.partition(b"=")
        if sign and key == name:
            return value
    return None


def _end(info: bytes, pos: int) -> int | None:
    """The last position that a record without alternatives speaks of, where it is more than its own."""
    text = _value(info, b"END") if b"END=" in info else None
    if text is None or not text.isdigit() or len(text) > 10:
        return None
    end = int(text)
    return end if pos < end <= _MOST else None
