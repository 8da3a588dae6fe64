"""List the records of collection `sequences`, in the order in which the input has them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import pyarrow as pa

from cluster.storage import StorageSettings, join, open_store, split
from schemas.plan import plan_batch, plan_schema
from workers.genomics.sequences import vcf_planning
from workers.genomics.sequences.bcf_sites import sites
from workers.genomics.sequences.fasta import Reference
from workers.genomics.sequences.fasta_file import FastaFile
from workers.genomics.sequences.fasta_records import fasta_records
from workers.genomics.sequences.settings import SequencesInput
from workers.genomics.sequences.tables import SequenceTable
from workers.genomics.sequences.vcf_sites import Site
from workers.reading.listing import named_file, planned_file, unchanged

_BATCH = 10_000


class VcfRecords:
    """One record an ALT allele, of VCF or BCF."""

    schema = vcf_planning.SCHEMA
    carry = tuple(field.name for field in vcf_planning.CARRIED)

    def __init__(self, source: SequencesInput, storage: StorageSettings) -> None:
        self._source = source
        self._storage = storage

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Every record, in order. Raises SpecError, InfrastructureError."""
        folder, key = split(self._source.uri)
        store = open_store(folder, self._storage)
        head = named_file(store, key)
        reference = Reference(str(self._source.reference), self._storage)
        found = vcf_planning.alleles(_proved(sites(store, key), reference), key, self._source.max_allele)
        with unchanged(key):
            yield from vcf_planning.batches(found, join(store.uri, key), head.etag, reference.etag)
            planned_file(store, key, head.etag)

    def look(self, tables: Iterable[pa.Table]) -> Mapping[str, Any]:
        """Contigs, and what is known to be wrong."""
        faults: Counter[str] = Counter()
        contigs: set[str] = set()
        for table in tables:
            faults.update(status for status in table["fault"].to_pylist() if status)
            contigs.update(name for name in table["chrom"].unique().to_pylist() if name is not None)
        known = Reference(str(self._source.reference), self._storage)
        return {
            "contigs": len(contigs),
            "contigs_not_in_reference": sum(known.name_of(name) is None for name in contigs),
            "not_to_be_scored": dict(faults),
        }


def _proved(found: Iterable[Site], reference: Reference) -> Iterator[Site]:
    """Every site; before the first of a contig the index of the reference is held against it. Raises SpecError."""
    seen = {""}
    for site in found:
        if site.chrom not in seen:
            seen.add(site.chrom)
            contig = reference.name_of(site.chrom)
            if contig is not None:
                reference.require(contig)
        yield site


class FastaRecords:
    """One record a sequence of a FASTA."""

    schema = plan_schema()
    carry = ()

    def __init__(self, source: SequencesInput, storage: StorageSettings) -> None:
        self._source = source
        self._storage = storage

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Every record, in order. Raises SpecError, InfrastructureError."""
        file = FastaFile(self._source.uri, self._storage, "input.uri")
        found = fasta_records(file.pieces(), file.key)
        with unchanged(file.key):
            while part := list(islice(found, _BATCH)):
                columns = {
                    "record_id": [record.name for record in part],
                    "member": [record.start for record in part],
                    "size": [record.size for record in part],
                }
                yield plan_batch(self.schema, columns, uri=file.uri, etag=file.etag)

    def look(self, tables: Iterable[pa.Table]) -> Mapping[str, Any]:
        """How large they are."""
        largest = max((table["size"].to_numpy().max() for table in tables if table.num_rows), default=0)
        return {"largest_bytes": int(largest)}


class TableRecords:
    """One record a row."""

    def __init__(self, source: SequencesInput, storage: StorageSettings) -> None:
        self._table = SequenceTable(source, storage)

    @property
    def schema(self) -> pa.Schema:
        """The schema of the plan. Raises SpecError for columns that are not there."""
        return plan_schema(self._table.carry)

    @property
    def carry(self) -> tuple[str, ...]:
        """Columns of the table that come along."""
        return tuple(field.name for field in self._table.carry)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Every record, in order. Raises SpecError, InfrastructureError."""
        with unchanged(self._table.uri):
            for columns in self._table.planned():
                yield plan_batch(self.schema, columns, uri=self._table.uri, etag=self._table.etag)

    def look(self, tables: Iterable[pa.Table]) -> Mapping[str, Any]:
        """The columns of the table."""
        return {"columns": ", ".join(self._table.schema.names)}


SequenceRecords = VcfRecords | FastaRecords | TableRecords


def open_records(source: SequencesInput, storage: StorageSettings) -> SequenceRecords:
    """The records of the input, whatever it is."""
    if source.kind == "vcf":
        return VcfRecords(source, storage)
    return FastaRecords(source, storage) if source.kind == "fasta" else TableRecords(source, storage)
