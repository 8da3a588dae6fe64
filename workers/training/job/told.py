"""What columns beside the labels tell of the truths that are learned."""

import polars as pl

from workers.finished_runs.stage import stage_at
from workers.labels.leaks import leaks
from workers.labels.matching import as_ids
from workers.labels.table import columns_of, planned_labels, with_labels
from workers.pipeline.context import StageContext
from workers.training.job.columns import PREPARE
from workers.training.job.labelled import PART, PLACE, STATE, USED, Labelled
from workers.training.job.settings import TrainKeys

_MOST = 50_000
"""Records that are looked at."""


def told_beside(context: StageContext, source: TrainKeys, found: Labelled) -> list[str]:
    """A sentence for each column, carried or of the labels, that tells an output's truth among the records of `train`
    and `tuning`. Nothing is shown of held-out ones."""
    if source.has_prepared_truths:
        return []
    used = found.rows.filter((pl.col(STATE) == USED) & (pl.col(PART) != "held_out")).head(_MOST)
    beside = _beside(context, source).select(pl.all().gather(used[PLACE]))
    persons = used.select(pl.coalesce("subject_id", "record_id")).to_series()
    sentences = []
    for name, output in source.outputs.items():
        classes = {"binary": 2, "number": 0}.get(output.task, len(output.classes))
        for leak in leaks(used[name].fill_nan(None), classes, beside.to_dict(), persons):
            sentences.append(leak.told(f"output {name}"))
    return sentences


def _beside(context: StageContext, source: TrainKeys) -> pl.DataFrame:
    """A line a record, in plan order: all columns but those of ids, splits and truths."""
    prepared = stage_at(context.store, PREPARE)
    on = "record_id" if source.labels is None else source.labels.on
    carried = [name for name in (*prepared.run.carry, *prepared.run.header_carry) if name != on]
    rows = pl.DataFrame(pl.from_arrow(prepared.all_rows([on, *carried]).unify_dictionaries()))
    rows = rows.with_columns(as_ids(pl.col(on), rows.schema[on]))
    known = {on, *source.truths().values(), source.splits.column}
    if source.labels is not None:
        labels = planned_labels(source.labels, context.storage, context.run.parts["state"]["labels"])
        rows = with_labels(rows, on, labels, source.labels.key)
        carried += [name for name in columns_of(labels) if name not in carried]
        known.add(source.labels.key)
    kept = [name for name in carried if name not in known and not rows.schema[name].is_nested()]
    return rows.select(kept)
