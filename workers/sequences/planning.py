"""List the records of collection `sequences`, in the order in which the input has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa

from cluster.storage import ObjectMissing, StorageSettings, join, open_store, split
from schemas.errors import SpecError
from workers.sequences import vcf_planning
from workers.sequences.fasta import Reference
from workers.sequences.settings import SequencesInput
from workers.sequences.vcf_sites import sites


class SequenceRecords:
    """The records of the collection."""

    def __init__(self, source: SequencesInput, storage: StorageSettings) -> None:
        self._source = source
        self._storage = storage
        folder, self._key = split(source.uri)
        self._store = open_store(folder, storage)

    @property
    def schema(self) -> pa.Schema:
        """Schema of the plan."""
        return vcf_planning.SCHEMA

    @property
    def carry(self) -> tuple[str, ...]:
        """Columns of the plan that the rows have too."""
        return tuple(field.name for field in vcf_planning.CARRIED)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Every record, in order. Raises SpecError, InfrastructureError."""
        head = self._store.head(self._key)
        if head is None:
            raise SpecError("input.uri names a file that is not there: correct the uri")
        uri = join(self._store.uri, self._key)
        reference = Reference(str(self._source.reference), self._storage)
        found = vcf_planning.alleles(sites(self._store, self._key), self._key, self._source.max_allele)
        try:
            yield from vcf_planning.batches(found, uri, head.etag, reference.etag)
        except ObjectMissing:
            raise SpecError("the file of input.uri vanished while it was planned: run again") from None

    def look(self, tables: Iterable[pa.Table]) -> Mapping[str, Any]:
        """Facts about these planned records."""
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
