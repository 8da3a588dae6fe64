"""Stage `metadata`: what is said of the dataset as a whole, once all its files are there."""

import json
from importlib import metadata

import polars as pl
import pyarrow as pa

from schemas.errors import VerificationError
from schemas.rows import stage_columns, table_columns
from schemas.status import Status
from schemas.wording import counted
from workers.conversion.layout import READ
from workers.ehr.meds.layout import CODES, DATASET_JSON, METADATA, SORT
from workers.ehr.meds.promises import PROMISE_COLUMNS, broken_tally
from workers.ehr.meds.sort_stage import EXTENSIONS
from workers.ehr.meds.tally import CLOCK, ELEMENTS, TALLY, add_clocks, add_elements, add_tallies
from workers.finished_runs.stage import stage_at
from workers.pipeline.context import StageContext
from workers.pipeline.frames import encode_table
from workers.pipeline.kinds import ShardStage, ShardTable, SideObject
from workers.pipeline.rowtable import build_rows, stamp

MEDS_VERSION = "0.4.1"
COLUMNS = stage_columns(
    METADATA,
    ("n_codes", "int64", "codes in the dataset"),
    ("n_events", "int64", "rows in the dataset"),
    ("n_subjects", "int64", "subjects in the dataset"),
) + table_columns(
    METADATA,
    ("by_type", TALLY, "records by type"),
    ("elements", ELEMENTS, "elements"),
    ("clock", CLOCK, "time zones"),
)
_CODES = pa.schema(
    [
        pa.field("code", pa.string(), nullable=False),
        pa.field("description", pa.string()),
        pa.field("parent_codes", pa.list_(pa.string())),
    ]
)


class MetadataStage(ShardStage):
    """Its one record is the dataset."""

    def __init__(self, context: StageContext, source: str) -> None:
        self._context = context
        self._source = source

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """Write the dataset's metadata. Raises VerificationError where its files lack events that were read."""
        store = self._context.store
        read = stage_at(store, READ).all_rows(["part_events", "codes", "tally", "elements", *PROMISE_COLUMNS])
        files = stage_at(store, SORT).all_rows(["n_events", "n_subjects", "clock"])
        sums = {name: sum(files[name].to_pylist()) for name in ("n_events", "n_subjects")}
        wanted = sum(sum(counts) for counts in read["part_events"].to_pylist())
        if sums["n_events"] != wanted:
            raise VerificationError(f"{counted(wanted, 'event')} read and {sums['n_events']} are in the dataset")
        codes = codes_table(read["codes"])
        side = [
            SideObject(CODES, encode_table(stamp(codes, self._context.run.fingerprint))),
            SideObject(DATASET_JSON, self._dataset()),
        ]
        values = {"n_codes": [codes.num_rows], **{name: [value] for name, value in sums.items()}}
        values |= {
            "by_type": [add_tallies([*read["tally"].to_pylist(), broken_tally(read.to_pylist())])],
            "elements": [add_elements(read["elements"].to_pylist())],
            "clock": [add_clocks(files["clock"].to_pylist())],
        }
        return ShardTable(build_rows(records, self._context.layout, values, [Status.OK]), side)

    def _dataset(self) -> bytes:
        """The same text whoever writes it: `created_at` is when this stage was planned."""
        run = self._context.run
        facts = {
            "dataset_name": run.spec.name,
            "etl_name": f"wardround convert {self._source}",
            "etl_version": metadata.version("wardround"),
            "meds_version": MEDS_VERSION,
            "created_at": run.created,
            "other_extension_columns": list(EXTENSIONS),
            "fingerprint": run.fingerprint,
        }
        return json.dumps(facts, indent=1).encode()


def codes_table(codes: pa.ChunkedArray) -> pa.Table:
    """Each code once, with the first description that the source gives; sorted."""
    listed = pl.DataFrame({"codes": pl.Series(pl.from_arrow(codes))}).explode("codes").unnest("codes")
    unique = (
        listed.filter(pl.col("code").is_not_null())
        .group_by("code", maintain_order=True)
        .agg(pl.col("description").drop_nulls().first())
        .sort("code")
    )
    columns = [unique["code"].to_arrow(), unique["description"].to_arrow(), pa.nulls(unique.height)]
    return pa.table([column.cast(f.type) for column, f in zip(columns, _CODES, strict=True)], schema=_CODES)
