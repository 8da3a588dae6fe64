"""A first look at a table of labels, for a spec: which column holds ids, splits and what is true."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from cluster.storage import StorageSettings
from workers.drafts import SUBJECTS, pick
from workers.labels.settings import Labels
from workers.labels.table import read_table

KEYS = ("record_id", "image", "file", "filename", "path", "note_id", "sample", "iid", "id", "name", "key")
"""Names that columns of ids often have."""
_SPLITS = ("split", "fold", "set", "partition", "part")
_TRUTHS = ("label", "target", "truth", "outcome", "y", "class", "diagnosis", "finding")
_PARTS = {"train": ("train", "training"), "tuning": ("tuning", "val", "valid", "validation", "dev")}
_PARTS_HELD = ("held_out", "test", "testing", "holdout")
_FEW = 20


@dataclass(frozen=True)
class Looked:
    """What was found: the column of ids, the one of splits or None, and all others, with the rows themselves."""

    key: str
    split: str | None
    others: Sequence[str]
    rows: pl.DataFrame

    def truth(self, name: str = "") -> str | None:
        """The column that says what is true of `name`; without one, the likeliest."""
        if name:
            return pick(self.others, name)
        values = {column: self.rows[column].drop_nulls().n_unique() for column in self.others}
        for most in (2, _FEW, self.rows.height):
            if found := [column for column in self.others if 1 < values[column] <= most]:
                return pick(found, *_TRUTHS) or found[-1]
        return None

    def asked(self, column: str) -> dict[str, Any]:
        """What an output or outcome has to say of such truths beside the column."""
        values = sorted({str(value) for value in self.rows[column].drop_nulls()})
        as_numbers = self.rows[column].cast(pl.Float64, strict=False)
        if set(values) <= {"0", "1", "0.0", "1.0", "true", "false", "True", "False"}:
            return {} if not {"true", "True"} & set(values) else {"positive": True}
        if len(values) == 2:
            return {"positive": values[1]}
        if as_numbers.null_count() == self.rows[column].null_count() and len(values) > _FEW:
            return {"task": "number"}
        return {"task": "classes", "classes": values}

    def parts(self) -> dict[str, str]:
        """By `train`, `tuning` and `held_out`: the value of the split column that is called so."""
        if self.split is None:
            return {}
        values = [str(value) for value in self.rows[self.split].drop_nulls().unique().sort()]
        wanted: Mapping[str, Sequence[str]] = {**_PARTS, "held_out": _PARTS_HELD}
        found = {part: pick(values, *names) for part, names in wanted.items()}
        return {part: value for part, value in found.items() if value is not None}


def look_at_labels(uri: str, storage: StorageSettings) -> Looked:
    """The table at the uri. Raises SpecError where there is none that can be read."""
    rows, _ = read_table(Labels(uri=uri), storage)
    scalar = [column for column in rows.columns if not rows.schema[column].is_nested()]
    key = pick(scalar, *KEYS) or scalar[0]
    split = pick([column for column in scalar if column != key], *_SPLITS)
    taken = {key, split, *(column for column in scalar if column.lower() in {one.lower() for one in SUBJECTS})}
    return Looked(key, split, [column for column in scalar if column not in taken], rows)
