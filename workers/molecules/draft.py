"""A first look at molecules, for a spec."""

from collections.abc import Mapping
from typing import Any

from cluster.storage import StorageSettings
from workers.drafts import SUBJECTS, Draft, chosen, first_table

_COLUMNS = {
    "smiles": ("smiles", "canonical_smiles", "structure"),
    "record_id": ("id", "record_id", "molecule_id", "compound_id", "chembl_id", "zinc_id", "name"),
    "subject_id": SUBJECTS,
}


def draft(uri: str, storage: StorageSettings, given: Mapping[str, Any]) -> Draft:
    """Which columns of a table hold what; .smi has none."""
    table = first_table(uri, storage)
    keys: dict[str, Any] = chosen(table.columns, _COLUMNS)
    if table.delimiter is not None:
        keys["delimiter"] = table.delimiter
    missing = ["no column is called like SMILES: name one"] if table.columns and "smiles" not in keys else []
    return Draft(keys, [name for name in table.columns if name not in keys.values()], missing)
