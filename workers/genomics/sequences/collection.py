"""Collection `sequences` as a job sees it: one stage."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from schemas.spec import Compute
from workers.collection import PREDICT, StagePlan
from workers.contract import ModelCard
from workers.finished_runs.stage import FinishedStage
from workers.genomics.sequences.fasta import Reference
from workers.genomics.sequences.outputs import variant_outputs
from workers.genomics.sequences.planning import open_records
from workers.genomics.sequences.settings import ONLY_REFUSE, SequencesInput
from workers.genomics.sequences.steps import SPLICE_CONTEXT, resolve


class SequencesCollection:
    """Implements `workers.collection.Collection`."""

    stages = (PREDICT,)

    def __init__(self, source: SequencesInput, storage: StorageSettings) -> None:
        self.source = source
        self._storage = storage
        self.records = open_records(source, storage)

    @property
    def has_variants(self) -> bool:
        """Whether a record is a variant, not a sequence."""
        return self.source.reference is not None

    def prepare(self, card: ModelCard, given: tuple[Any, ...] | None) -> tuple[Any, ...]:
        """How windows are cut, and whether both strands are read."""
        return resolve(card, given, self.has_variants)

    def with_steps(self, card: ModelCard, steps: Sequence[Any]) -> ModelCard:
        """The card with the columns of the input: of variants every output is there three times, unless the model's
        columns are of variants anyway."""
        if not self.has_variants or SPLICE_CONTEXT in card.settings:
            return card
        return replace(card, outputs=variant_outputs(card.outputs))

    def plan(self, stage: str, finished: Sequence[FinishedStage], models: Mapping[str, ModelCard]) -> StagePlan:
        """The plan of the only stage: every sequence, region or variant of the input."""
        records = self.records
        for name, card in models.items():
            self._check_genes(name, card)
        return StagePlan(stage, records.schema, records.batches, records.carry, columns=None, tightenable=ONLY_REFUSE)

    def _check_genes(self, name: str, card: ModelCard) -> None:
        """Raises SpecError for genes of which none can lie in the reference."""
        contigs = card.settings.get("gene_contigs")
        if contigs is None:
            return
        reference = Reference(str(self.source.reference), self._storage)
        if not any(reference.name_of(contig) for contig in contigs):
            raise SpecError(
                f"model {name!r}: its genes lie on {', '.join(contigs[:5])}, of which input.reference has none: "
                "give it genes of this reference"
            )

    def look(self, tables: Iterable[pa.Table]) -> Mapping[str, Any]:
        """What the records are, and what is known to be wrong with them."""
        return self.records.look(tables)


def open_collection(source: SequencesInput, storage: StorageSettings, compute: Compute) -> SequencesCollection:
    """The sequences, regions or variants that the input names. Raises SpecError if they cannot be used."""
    return SequencesCollection(source, storage)
