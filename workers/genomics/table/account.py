"""The account of a conversion to the genotype table: what is said of each record of the source."""

from schemas.rows import stage_columns
from workers.conversion.account import AccountStage
from workers.conversion.layout import ACCOUNT
from workers.pipeline.context import StageContext

_COLUMNS = stage_columns(
    ACCOUNT,
    ("outcome", "string", "converted, split, skipped or unreadable"),
    ("reason", "string", "why it was not converted, or not all of it"),
    ("chrom", "string", "chromosome, where it could be read"),
    ("pos", "int32", "position, where it could be read"),
    ("n_variants", "int32", "variants of the table that come from it"),
    ("n_undosed", "int64", "samples whose calls stand for dosages that it does not have, where dosages are asked for"),
    ("n_filtered", "int64", "calls that are missing since their GQ or DP is too low, where that is asked for"),
)
OUTCOME_COLUMNS = tuple(
    column.model_copy(update={"total": "sum"}) if column.type.startswith("int") and column.name != "pos" else column
    for column in _COLUMNS
)


def account_stage(context: StageContext) -> AccountStage:
    """Stage `account`: the outcomes as stage `read` left them."""
    return AccountStage(context, OUTCOME_COLUMNS)
