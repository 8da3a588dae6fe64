"""The records of a VCF: one an ALT allele, one a line that cannot be read, in the order of the file."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import pyarrow as pa

from schemas.plan import plan_batch, plan_schema
from schemas.status import Fault, Status
from workers.genomics.sequences.vcf_sites import Site, allele_fault

BATCH = 10_000

CARRIED = (
    pa.field("chrom", pa.string()),
    pa.field("pos", pa.int64()),
    pa.field("id", pa.string()),
    pa.field("ref", pa.string()),
    pa.field("alt", pa.string()),
)
"""The columns of a variant as they stand in the file; null for a line that cannot be read."""

FAULT = (pa.field("fault", pa.string()), pa.field("fault_detail", pa.string()))
"""Status and detail of what was found wrong while planning."""

REFERENCE_ETAG = pa.field("reference_etag", pa.string())

SCHEMA = plan_schema((*CARRIED, *FAULT, REFERENCE_ETAG))
"""`member` is the line of the file, counted from 1."""


class _Ids:
    """Ids of alleles, each once.

    While the file is sorted only the place at hand has to be remembered. A line that stands behind a later place of its
    contig, or comes back to a contig, has its number in its ids.
    """

    def __init__(self) -> None:
        self._place = ("", -1)
        self._contigs: set[str] = set()
        self._here: Counter[str] = Counter()
        self._line = 0
        self._in_line: Counter[str] = Counter()

    def name(self, site: Site, alleles: str) -> str:
        """The id of an allele; called once for each, in order."""
        plain = f"{site.chrom}:{site.pos}:{alleles}"
        chrom, pos = self._place
        if site.chrom in self._contigs and not (site.chrom == chrom and site.pos >= pos):
            if site.line != self._line:
                self._line, self._in_line = site.line, Counter()
            return _numbered(f"{plain}@{site.line}", self._in_line)
        if (site.chrom, site.pos) != self._place:
            self._place, self._here = (site.chrom, site.pos), Counter()
            self._contigs.add(site.chrom)
        return _numbered(plain, self._here)


def _numbered(name: str, seen: Counter[str]) -> str:
    seen[name] += 1
    return name if seen[name] == 1 else f"{name}#{seen[name]}"


@dataclass(frozen=True)
class Allele:
    """One row of the plan."""

    record_id: str
    site: Site
    ref: str | None
    alt: str | None
    fault: Fault | None


def alleles(sites: Iterable[Site], key: str, longest: int) -> Iterator[Allele]:
    """Every ALT allele of every site, in order."""
    ids = _Ids()
    for site in sites:
        if site.fault is not None:
            yield Allele(f"{key}#{site.line}", site, None, None, site.fault)
            continue
        for alt in site.alts:
            fault = allele_fault(alt, site.ref, longest)
            if fault is not None and fault[0] == Status.TOO_LARGE:
                # Its letters are no name for a row, nor anything to carry.
                yield Allele(ids.name(site, f"{len(site.ref)}>{len(alt)}"), site, None, None, fault)
            else:
                yield Allele(ids.name(site, f"{site.ref}:{alt}"), site, site.ref, alt, fault)


def batches(found: Iterator[Allele], uri: str, etag: str, reference_etag: str) -> Iterator[pa.RecordBatch]:
    """The same as rows of a plan of `SCHEMA`."""
    while part := list(islice(found, BATCH)):
        columns = {
            "record_id": [allele.record_id for allele in part],
            "member": [allele.site.line for allele in part],
            "chrom": [allele.site.chrom if allele.site.fault is None else None for allele in part],
            "pos": [allele.site.pos if allele.site.fault is None else None for allele in part],
            "id": [allele.site.id for allele in part],
            "ref": [allele.ref for allele in part],
            "alt": [allele.alt for allele in part],
            "fault": [allele.fault and allele.fault[0].value for allele in part],
            "fault_detail": [allele.fault and allele.fault[1] for allele in part],
        }
        yield plan_batch(SCHEMA, columns, uri=uri, etag=etag, reference_etag=reference_etag)
