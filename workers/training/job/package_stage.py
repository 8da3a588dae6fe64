"""Stage `package`: the model directory of what was fitted, as side objects of one row."""

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl
import pyarrow as pa
from safetensors.torch import load

from cluster.storage import sha256_of
from schemas.errors import RefusedError
from schemas.status import Status
from workers.finished_runs.stage import FinishedStage, stage_at
from workers.labels.settings import Value
from workers.models.card_page import CARD
from workers.pipeline.context import StageContext
from workers.pipeline.frames import encode_frame
from workers.pipeline.kinds import ShardStage, ShardTable, SideObject
from workers.pipeline.rowtable import build_rows
from workers.training.job.card import Facts, model_card
from workers.training.job.checkpoints import Checkpoints, checkpoint_folder
from workers.training.job.columns import FIT, HISTORY, LABEL_MAP, LABELLED, MODEL, PREPARE, SEARCH, SPANS, SUMS
from workers.training.job.figures import Rows, chosen_point, folds_table, search_frame, search_table
from workers.training.job.fits import fits_of
from workers.training.job.labelled import FOLD, PART, PLACE, STATE, Labelled
from workers.training.job.materials import Materials
from workers.training.job.recipes import Recipes, remarks_of
from workers.training.job.settings import Output, TrainKeys
from workers.training.job.told import told_beside


class PackageStage(ShardStage):
    """One record: the model."""

    def __init__(self, context: StageContext, recipes: Recipes, source: TrainKeys, shown: Sequence[str]) -> None:
        self._context, self._source = context, source
        self._materials = Materials(context, recipes, source, shown)

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """Its row, and its files."""
        fits, fingerprint = stage_at(self._context.store, FIT), self._context.run.fingerprint
        rows = fits.all_rows(["weights", "history", "seeds"]).to_pylist()
        every = [fit for row in rows for fit in row["seeds"]]
        point = chosen_point(every, self._source)
        members = [row for row in rows if point is None or row["seeds"][0]["point"] == point]
        material, found = self._materials.at(point), self._materials.found
        tables = self._tables(every, [fit for row in members for fit in row["seeds"]])
        said = (*remarks_of(material.recipe), *told_beside(self._context, self._source, found))
        tables["remarks"] = [{"remark": remark} for remark in said]
        facts = self._facts(material.source, members, tables)
        files = {
            **material.recipe.files([load(self._vouched(fits, row["weights"])) for row in members]),
            HISTORY: encode_frame(self._history(members), fingerprint),
            CARD: model_card(facts).encode(),
        }
        if "search" in tables:
            files[SEARCH] = encode_frame(search_frame(tables["search"], self._source), fingerprint)
        files[SUMS] = "".join(f"{sha256_of(body)}  {name}\n" for name, body in sorted(files.items())).encode()
        side = [SideObject(f"{MODEL}{name}", body) for name, body in sorted(files.items())]
        self._clear()
        truths = self._truths(found)
        side.append(SideObject(LABELLED, encode_frame(truths, fingerprint)))
        named = [{"name": name, "bytes": len(body), "sha256": sha256_of(body)} for name, body in sorted(files.items())]
        values: dict[str, Any] = {"files": [named], **{name: [table] for name, table in tables.items()}}
        return ShardTable(build_rows(records, self._context.layout, values, [Status.OK]), side=side)

    def close(self) -> None:
        """Take the files of this node away."""
        self._materials.close()

    def _tables(self, every: Rows, members: Rows) -> dict[str, Any]:
        """By column of the stage: what became of records, folds and points of a search."""
        tables: dict[str, Any] = {"records": self._materials.found.account()}
        if self._source.folds:
            tables["folds"] = folds_table(members)
        if self._source.search:
            tables["search"] = search_table(every, self._source)
        return tables

    def _truths(self, found: Labelled) -> pl.DataFrame:
        """What `labelled.parquet` has; of texts with spans the spans themselves, of segmented volumes the
        uris of their label maps, as an evaluation reads them."""
        outputs = self._source.outputs
        if not self._source.has_prepared_truths:
            return _truths(found, outputs, self._source.folds is not None)
        spans = stage_at(self._context.store, PREPARE).all_rows([SPANS if self._source.has_spans else LABEL_MAP])
        column = pl.DataFrame(pl.from_arrow(spans)).to_series().gather(found.rows[PLACE])
        named = replace(found, rows=found.rows.with_columns(column.alias(name) for name in outputs))
        return _truths(named, {name: Output() for name in outputs}, self._source.folds is not None)

    def _history(self, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
        parts = []
        for row in rows:
            (fit,) = row["seeds"]
            frame = pl.read_parquet(io.BytesIO(self._context.store.get(row["history"])))
            own = [pl.lit(fit[name], pl.Int64).alias(name) for name in ("seed", "fold") if name in fit]
            parts.append(frame.select(*own, pl.all()))
        return pl.concat(parts)

    def _clear(self) -> None:
        """What came of the checkpoints is committed."""
        fingerprint = stage_at(self._context.store, FIT).run.fingerprint
        for fit in fits_of(self._source):
            Checkpoints(self._context.store, checkpoint_folder(fit.name), fingerprint).clear()

    def _vouched(self, fits: FinishedStage, key: str) -> bytes:
        body = self._context.store.get(key)
        digests = {ref.key: ref.sha256 for shard in range(fits.run.plan.shards) for ref in fits.side_objects(shard)}
        if digests.get(key) != hashlib.sha256(body).hexdigest():
            raise RefusedError(f"{key} is not the file that was fitted: restore it, or choose another output.uri")
        return body

    def _facts(
        self, source: TrainKeys, rows: Sequence[Mapping[str, Any]], tables: Mapping[str, Sequence[Mapping[str, Any]]]
    ) -> Facts:
        run = self._context.run
        return Facts(
            name=run.name,
            source=source,
            steps=tuple(run.parts["state"]["prepare"]),
            fits=[seed for row in rows for seed in row["seeds"]],
            tables=tables,
            state=run.parts["state"],
            versions=run.recorded["versions"],
            fingerprint=run.fingerprint,
            remarks=[row["remark"] for row in tables["remarks"]],
        )


def _truths(found: Labelled, outputs: Mapping[str, Output], has_folds: bool) -> pl.DataFrame:
    """Those with a label; `split` is null where the record is in none, `fold` is there where there are folds. Classes
    have the names that the spec gives them, by which an evaluation knows them."""
    known = found.rows.filter(pl.any_horizontal(pl.col(name).is_not_null() for name in found.outputs))
    truths = [_named(name, outputs[name].classes) for name in found.outputs]
    folds = [pl.col(FOLD).alias("fold")] if has_folds else []
    own = (pl.col(PART).alias("split"), *folds, pl.col(STATE).alias("state"))
    return known.select("record_id", "subject_id", *own, *truths)


def _named(name: str, classes: Sequence[Value]) -> pl.Expr:
    if not classes:
        return pl.col(name)
    return pl.col(name).replace_strict(list(range(len(classes))), [str(one) for one in classes], return_dtype=pl.String)
