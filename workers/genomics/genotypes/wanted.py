"""Which variants a run reads: those that its scores and panels count."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq

from workers.engine.context import StageContext
from workers.genomics.genotypes.earlier import all_rows
from workers.genomics.genotypes.groups import OK
from workers.genomics.genotypes.layout import FILE, MATCH
from workers.genomics.genotypes.ploidy import Numbers
from workers.genomics.genotypes.source import Genotypes
from workers.runs.stage import stage_at

_HELD = 1 << 24
"""Numbers of variants that are held before those that are there twice are left out."""


def wanted_variants(context: StageContext, genotypes: Genotypes) -> Numbers | None:
    """Ascending; None for all: where everything is looked at, or nothing was matched yet."""
    state = context.run.parts["state"]
    if genotypes.settings.qc == "all" or "after" not in state:
        return None
    rows = all_rows(stage_at(context.store, MATCH), ["verdict", "number", "entries_key"])
    parts = [np.zeros(0, np.int64)]
    for (key,), scored in rows.filter(rows["verdict"] == OK).group_by("entries_key", maintain_order=True):
        numbers = scored["number"].drop_nulls().unique().to_numpy()
        columns = ["variant_idx", *([FILE] if len(numbers) else [])]
        table = pq.read_table(context.store.open_reader(str(key)), columns=columns, use_threads=False)
        own = table["variant_idx"].to_numpy()
        # Beside the files that are scored there may lie some of too low overlap; a panel is alone.
        parts.append(own[np.isin(table[FILE].to_numpy(), numbers)] if len(numbers) else own)
        if sum(map(len, parts)) > _HELD:
            parts = [np.unique(np.concatenate(parts))]
    return np.unique(np.concatenate(parts))
