"""Names of what the stages hand on. Imports no torch: the driver reads this too."""

from schemas.rows import OutputColumn, stage_columns, table_columns
from workers.training.job.settings import TrainKeys

PREPARE, FIT, PACKAGE = "prepare", "fit", "package"
SPANS = "spans"
"""Column of stage `prepare` with the labelled pieces of a text."""
LABEL_MAP = "label_map"
"""Column of stage `prepare` with the uri of a volume's label map."""
MODEL = "model/"
"""Where the model directory lies, relative to the run."""
SUMS, HISTORY, SEARCH = "SHA256SUMS", "history.parquet", "search.parquet"
LABELLED = "labelled.parquet"
"""The records with their split and truth: a table of labels for an evaluation."""

_SPREAD = "metric: string, mean: float64, deviation: float64"


def fit_columns(source: TrainKeys) -> tuple[OutputColumn, ...]:
    """What stage `fit` writes: a row a fit, with its fold and point where there are such."""
    more = (", fold: int64" if source.folds else "") + (", point: int64" if source.search else "")
    row = f"struct<seed: int64{more}, metric: string, tuning: float64, best_epoch: int64, epochs: int64, ended: string>"
    return (
        *stage_columns(
            FIT,
            ("weights", "string", "key of the best weights"),
            ("history", "string", "key of the figures by epoch"),
        ),
        *table_columns(FIT, ("seeds", f"list<{row}>", "fits by seed")),
    )


def package_columns(source: TrainKeys) -> tuple[OutputColumn, ...]:
    """What stage `package` writes: the model's files and tables, of a search and of folds where there are such."""
    tables = [
        ("records", "list<struct<split: string, state: string, records: int64>>", "records by split"),
        ("remarks", "list<struct<remark: string>>", "remarks"),
    ]
    if source.folds:
        row = f"struct<folds: int64, {_SPREAD}, lowest: float64, highest: float64>"
        tables.append(("folds", f"list<{row}>", "held-out folds"))
    if source.search:
        row = f"struct<point: int64, settings: string, {_SPREAD}, fits: int64, chosen: bool>"
        tables.append(("search", f"list<{row}>", "search"))
    files = ("files", "list<struct<name: string, bytes: int64, sha256: string>>", "files of the model directory")
    return (*stage_columns(PACKAGE, files), *table_columns(PACKAGE, *tables))
