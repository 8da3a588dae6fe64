"""Collection `molecules` as a job sees it: one stage."""

from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import pyarrow as pa

from cluster.storage import StorageSettings
from schemas.errors import MissingExtraError
from schemas.spec import Compute
from workers.collection import PREDICT, StagePlan
from workers.contract import ModelCard
from workers.finished_runs.stage import FinishedStage
from workers.molecules.planning import CANONICAL, INCHIKEY, MoleculeRecords
from workers.molecules.settings import ONLY_REFUSE, MoleculesInput
from workers.molecules.steps import parse_steps
from workers.prepare_list import without
from workers.text_models.token_windows import STEP as WINDOWS


class MoleculesCollection:
    """Implements `workers.collection.Collection`."""

    stages = (PREDICT,)

    def __init__(self, source: MoleculesInput, storage: StorageSettings) -> None:
        self.source = source
        self.records = MoleculeRecords(source, storage)

    def prepare(self, card: ModelCard, given: tuple[Any, ...] | None) -> tuple[Any, ...]:
        """Which SMILES a model of text is given, written out. Its windows are no step of molecules, which are whole."""
        steps = without(card.prepare, WINDOWS) if given is None else given
        return ({"smiles": parse_steps(steps).model_dump(mode="json")},)

    def plan(self, stage: str, finished: Sequence[FinishedStage], models: Mapping[str, ModelCard]) -> StagePlan:
        """The plan of the only stage: every molecule of the input."""
        records = self.records
        return StagePlan(
            stage,
            records.schema,
            records.batches,
            records.carry,
            header_carry=(CANONICAL, INCHIKEY),
            columns=None,
            tightenable=ONLY_REFUSE,
        )

    def look(self, tables: Iterable[pa.Table]) -> Mapping[str, Any]:
        """How long the SMILES are, and what is known to be wrong with them."""
        return self.records.look(tables)


def open_collection(source: MoleculesInput, storage: StorageSettings, compute: Compute) -> MoleculesCollection:
    """The molecules of the input. Raises MissingExtraError before anything starts that would need RDKit."""
    if find_spec("rdkit") is None:
        raise MissingExtraError("rdkit", "molecules")
    return MoleculesCollection(source, storage)
