"""`variants.parquet` of a model over a panel: which variant stands at which place of the network's input.

| column | type | meaning |
|---|---|---|
| `chrom` | string | as in the field: 1 to 22, X, Y, MT, with or without `chr` |
| `pos` | integer | 1-based, of the model's genome build |
| `effect_allele` | string | the allele whose copies the network sees |
| `other_allele` | string | the other one; null where it is not known |
| `effect_frequency` | number | of the effect allele where the model was trained; twice this fills what is missing |
| `id` | string | optional; for people |

Rows stand in the network's order.
"""

from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from schemas.errors import SpecError
from workers.reading.parquet import damage_as

VARIANTS = "variants.parquet"

SCHEMA: dict[str, pl.DataType] = {
    "chrom": pl.String(),
    "pos": pl.Int64(),
    "effect_allele": pl.String(),
    "other_allele": pl.String(),
    "effect_frequency": pl.Float64(),
}
_MOST_BYTES = 4 << 30
"""The most bytes that the table may have in memory, by its own footer."""


def read_panel(path: Path, needs_frequency: bool = True) -> pl.DataFrame:
    """The panel, of `SCHEMA`, in its order. Raises SpecError with what is wrong, naming rows (1-based).

    A panel for a network that is still to be trained needs no frequencies: those of its training samples count.
    """
    with damage_as(SpecError(f"{path}: is not a Parquet file that can be read")):
        footer = pq.read_metadata(path)
    there = set(footer.schema.to_arrow_schema().names)
    wanted = {name: kind for name, kind in SCHEMA.items() if needs_frequency or name != "effect_frequency"}
    absent = [name for name in wanted if name not in there]
    if absent:
        raise SpecError(f"{path}: lacks the column {absent[0]!r}; it needs {', '.join(wanted)}")
    if sum(footer.row_group(group).total_byte_size for group in range(footer.num_row_groups)) > _MOST_BYTES:
        raise SpecError(f"{path}: larger than {_MOST_BYTES >> 30} GiB, which no panel is")
    try:
        panel = pl.read_parquet(path, columns=list(wanted), glob=False).cast(wanted)  # type: ignore[arg-type]  # types by name are a schema too
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SpecError(f"{path}: cannot be read as a panel ({type(error).__name__})") from None
    if not needs_frequency:
        panel = panel.with_columns(effect_frequency=pl.lit(0.5))
    _check(panel, path)
    return panel.with_columns(
        pl.col("chrom").str.strip_prefix("chr"),
        pl.col("effect_allele", "other_allele").str.to_uppercase(),
    )


def _check(panel: pl.DataFrame, path: Path) -> None:
    if not panel.height:
        raise SpecError(f"{path}: has no variants")
    for name in ("chrom", "pos", "effect_allele", "effect_frequency"):
        _refuse(panel[name].is_null(), f"{path}: {name} is null")
    share = panel["effect_frequency"]
    _refuse(~((share >= 0) & (share <= 1)), f"{path}: effect_frequency is not between 0 and 1")
    for name in ("effect_allele", "other_allele"):
        letters = panel[name].str.contains("^[ACGTNacgtn]+$").fill_null(value=True)
        _refuse(~letters, f"{path}: {name} is not a sequence of bases")
    doubled = panel.select("chrom", "pos", "effect_allele", "other_allele").is_duplicated()
    _refuse(doubled, f"{path}: the same variant stands there twice")


def _refuse(wrong: pl.Series, what: str) -> None:
    rows = (wrong.arg_true() + 1).to_list()
    if rows:
        more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
        raise SpecError(f"{what} in row {', '.join(map(str, rows[:5]))}{more}")
