"""Run by the interpreter of the oracles: `aces_oracle.py EVENTS TASK...` puts what es-aces finds beside each task file.

As the command of es-aces does it, but for many tasks in one process, and with one row for every trigger.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import polars as pl
from aces import config, predicates, query
from omegaconf import DictConfig

EMPTY = {"subject_id": pl.Int64, "prediction_time": pl.Datetime("us"), "boolean_value": pl.Boolean}


def main() -> None:
    """A trigger whose windows do not all exist may leave a row without a time: such rows are left out."""
    logging.disable(logging.CRITICAL)
    for path in map(Path, sys.argv[2:]):
        task = config.TaskExtractorConfig.load(path)
        frame = predicates.get_predicates_df(task, DictConfig({"path": sys.argv[1], "standard": "meds"}))
        found = query.query(task, frame)
        if found.width:
            found = found.select(
                "subject_id", prediction_time="index_timestamp", boolean_value=pl.col("label") > 0
            ).drop_nulls("prediction_time")
        else:
            found = pl.DataFrame(schema=EMPTY)
        found.sort(list(EMPTY)).write_parquet(path.with_suffix(".parquet"))


if __name__ == "__main__":
    main()
