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
from workers.pipeline.context import StageContext
from workers.pipeline.frames import encode_frame
from workers.pipeline.kinds import ShardStage, ShardTable, SideObject
from workers.pipeline.rowtable import build_rows
from workers.training.job.card import CARD, Facts, model_card
from workers.training.job.checkpoints import Checkpoints, checkpoint_folder
from workers.training.job.columns import FIT, HISTORY, LABELLED, MODEL, PREPARE, SPANS, SUMS
from workers.training.job.fit_stage import Material, Materials
from workers.training.job.labelled import PART, PLACE, STATE, Labelled
from workers.training.job.recipes import Recipes, remarks_of
from workers.training.job.settings import Output, TrainKeys


class PackageStage(ShardStage):
    """One record: the model."""

    def __init__(self, context: StageContext, recipes: Recipes, source: TrainKeys, shown: Sequence[str]) -> None:
        self._context, self._source, self._shown = context, source, shown
        self._materials = Materials(context, recipes)

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """Its row, and its files."""
        material, fits = self._materials.read(self._source, self._shown), stage_at(self._context.store, FIT)
        rows = fits.all_rows(["weights", "history", "seeds"]).to_pylist()
        history = self._history(rows)
        account = material.found.account()
        files = {
            **self._files(material, fits, rows),
            HISTORY: encode_frame(history, self._context.run.fingerprint),
            CARD: model_card(self._facts(rows, account, remarks_of(material.recipe))).encode(),
        }
        files[SUMS] = "".join(f"{sha256_of(body)}  {name}\n" for name, body in sorted(files.items())).encode()
        side = [SideObject(f"{MODEL}{name}", body) for name, body in sorted(files.items())]
        self._clear(rows)
        truths = self._truths(material.found)
        side.append(SideObject(LABELLED, encode_frame(truths, self._context.run.fingerprint)))
        named = [{"name": name, "bytes": len(body), "sha256": sha256_of(body)} for name, body in sorted(files.items())]
        remarks = [{"remark": remark} for remark in remarks_of(material.recipe)]
        values: dict[str, Any] = {"files": [named], "records": [account], "remarks": [remarks]}
        return ShardTable(build_rows(records, self._context.layout, values, [Status.OK]), side=side)

    def close(self) -> None:
        """Take the files of this node away."""
        self._materials.close()

    def _files(self, material: Material, fits: FinishedStage, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, bytes]:
        return material.recipe.files([load(self._vouched(fits, row["weights"])) for row in rows])

    def _truths(self, found: Labelled) -> pl.DataFrame:
        """What `labelled.parquet` has; of texts with spans the spans themselves, as an evaluation reads them."""
        outputs = self._source.outputs
        if not self._source.has_spans:
            return _truths(found, outputs)
        spans = stage_at(self._context.store, PREPARE).all_rows([SPANS])
        column = pl.DataFrame(pl.from_arrow(spans)).to_series().gather(found.rows[PLACE])
        named = replace(found, rows=found.rows.with_columns(column.alias(name) for name in outputs))
        return _truths(named, {name: Output() for name in outputs})

    def _history(self, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
        parts = []
        for row in rows:
            (seed,) = row["seeds"]
            frame = pl.read_parquet(io.BytesIO(self._context.store.get(row["history"])))
            parts.append(frame.select(pl.lit(seed["seed"], pl.Int64).alias("seed"), pl.all()))
        return pl.concat(parts)

    def _clear(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """What came of the checkpoints is committed."""
        for seed in (seed["seed"] for row in rows for seed in row["seeds"]):
            fingerprint = stage_at(self._context.store, FIT).run.fingerprint
            Checkpoints(self._context.store, checkpoint_folder(seed), fingerprint).clear()

    def _vouched(self, fits: FinishedStage, key: str) -> bytes:
        body = self._context.store.get(key)
        digests = {ref.key: ref.sha256 for shard in range(fits.run.plan.shards) for ref in fits.side_objects(shard)}
        if digests.get(key) != hashlib.sha256(body).hexdigest():
            raise RefusedError(f"{key} is not the file that was fitted: restore it, or choose another output.uri")
        return body

    def _facts(
        self, rows: Sequence[Mapping[str, Any]], account: Sequence[Mapping[str, Any]], remarks: Sequence[str]
    ) -> Facts:
        run = self._context.run
        return Facts(
            name=run.name,
            source=self._source,
            steps=tuple(run.parts["state"]["prepare"]),
            fits=[seed for row in rows for seed in row["seeds"]],
            account=account,
            state=run.parts["state"],
            versions=run.recorded["versions"],
            fingerprint=run.fingerprint,
            remarks=remarks,
        )


def _truths(found: Labelled, outputs: Mapping[str, Output]) -> pl.DataFrame:
    """Those with a label; `split` is null where the record is in none. Classes have the names that the spec gives them,
    by which an evaluation knows them."""
    known = found.rows.filter(pl.any_horizontal(pl.col(name).is_not_null() for name in found.outputs))
    truths = [_named(name, outputs[name].classes) for name in found.outputs]
    return known.select("record_id", "subject_id", pl.col(PART).alias("split"), pl.col(STATE).alias("state"), *truths)


def _named(name: str, classes: Sequence[Value]) -> pl.Expr:
    if not classes:
        return pl.col(name)
    return pl.col(name).replace_strict(list(range(len(classes))), [str(one) for one in classes], return_dtype=pl.String)
