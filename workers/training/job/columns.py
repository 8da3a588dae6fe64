"""Names of what the stages hand on. Imports no torch: the driver reads this too."""

from schemas.rows import stage_columns, table_columns

PREPARE, FIT, PACKAGE = "prepare", "fit", "package"
SPANS = "spans"
"""Column of stage `prepare` with the labelled pieces of a text."""
MODEL = "model/"
"""Where the model directory lies, relative to the run."""
SUMS, HISTORY = "SHA256SUMS", "history.parquet"
LABELLED = "labelled.parquet"
"""The records with their split and truth: a table of labels for an evaluation."""

_SEED = "struct<seed: int64, metric: string, tuning: float64, best_epoch: int64, epochs: int64, ended: string>"
FIT_COLUMNS = (
    *stage_columns(
        FIT,
        ("weights", "string", "key of the best weights"),
        ("history", "string", "key of the figures by epoch"),
    ),
    *table_columns(FIT, ("seeds", f"list<{_SEED}>", "fits by seed")),
)
PACKAGE_COLUMNS = (
    *stage_columns(
        PACKAGE,
        ("files", "list<struct<name: string, bytes: int64, sha256: string>>", "files of the model directory"),
    ),
    *table_columns(
        PACKAGE,
        ("records", "list<struct<split: string, state: string, records: int64>>", "records by split"),
        ("remarks", "list<struct<remark: string>>", "remarks"),
    ),
)
