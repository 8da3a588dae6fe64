"""PLINK's text tables, whatever separates their columns, as text columns; and what their fields mean."""

import io
from collections.abc import Mapping

import polars as pl

from schemas.errors import SpecError
from workers.genomics.chromosomes import normaliser
from workers.genomics.contract import SAMPLE_SCHEMA


def read_columns(body: bytes, columns: Mapping[int, str], name: str, first_line: int = 1) -> pl.DataFrame:
    """Some columns of a table without header, as String; `columns` names them by position, counted from 0.

    Tabs or runs of blanks separate fields; blank lines are passed over. Raises SpecError, with the line, if a line is
    too short for them or is not UTF-8. `first_line` is the number of the first line of `body` in its file.
    """
    tidy = _tabs(body)
    if not tidy.strip():
        return pl.DataFrame(schema=dict.fromkeys(columns.values(), pl.String))
    width = max(columns) + 1
    if tidy.strip(b"\n").partition(b"\n")[0].count(b"\t") < max(columns):
        raise SpecError(
            f"{name!r}: its first line has fewer than {width} fields: separate them by tabs or blanks, or correct it"
        )
    names = [columns.get(at, f"_{at}") for at in range(width)]
    try:
        read = pl.read_csv(
            io.BytesIO(tidy),
            separator="\t",
            has_header=False,
            schema=dict.fromkeys(names, pl.String),
            columns=sorted(columns),
            # A quote is a character of an id like any other.
            quote_char=None,
            extra_columns="ignore",
            truncate_ragged_lines=True,
        )
    except (pl.exceptions.ComputeError, pl.exceptions.NoDataError):
        raise SpecError(f"{name!r} is not a text table in UTF-8: write it anew") from None
    empty = pl.all_horizontal(pl.all().is_null())
    short = read.select((pl.any_horizontal(pl.all().is_null()) & ~empty).alias("short"))["short"]
    if short.any():
        line = first_line + (short.arg_max() or 0)
        raise SpecError(f"{name!r}: line {line} has an empty field or fewer than {width} fields: correct it")
    return read.filter(~empty)


def _tabs(body: bytes) -> bytes:
    """One tab between fields and none before the first. Replacing is many times as fast as an expression."""
    tidy = body.replace(b"\r\n", b"\n").replace(b" ", b"\t")
    while b"\t\t" in tidy:
        tidy = tidy.replace(b"\t\t", b"\t")
    return tidy.replace(b"\n\t", b"\n").removeprefix(b"\t")


def chromosome(column: str) -> pl.Expr:
    """Names as `workers.genomics.chromosomes` has them."""
    return pl.col(column).map_batches(_normalised, return_dtype=pl.String)


def _normalised(names: pl.Series) -> pl.Series:
    return names.replace_strict(normaliser(names.unique()), return_dtype=pl.String)


def allele(column: str) -> pl.Expr:
    """Upper case; null where it is not known."""
    return pl.col(column).str.to_uppercase().replace({".": None, "0": None})


def identifier(column: str) -> pl.Expr:
    """Null where it is `.`."""
    return pl.col(column).replace({".": None})


def positions(table: pl.DataFrame, column: str, name: str, first_line: int = 1) -> pl.Series:
    """The column as Int32. Raises SpecError, with the line, for what is no integer."""
    read = table[column].cast(pl.Int32, strict=False)
    if read.null_count():
        line = first_line + (read.is_null().arg_max() or 0)
        raise SpecError(f"{name!r}: line {line} has a position that is no integer: correct it")
    return read


def sample_frame(
    table: pl.DataFrame, fid: str | None, iid: str, sex: str | None, name: str, first_line: int = 1
) -> pl.DataFrame:
    """Samples of `SAMPLE_SCHEMA` by these columns of a table, numbered by line; None: it has no such column.

    Sex is 1 for male, 2 for female, 0 for anything else. Raises SpecError where an id comes twice.
    """
    codes = {"1": 1, "M": 1, "m": 1, "2": 2, "F": 2, "f": 2}
    coded = pl.col(sex).replace_strict(codes, default=0, return_dtype=pl.Int8) if sex else pl.lit(0, pl.Int8)
    samples = table.select(
        pl.int_range(table.height, dtype=pl.Int64).alias("sample_idx"),
        (pl.col(fid).replace({"0": None}) if fid else pl.lit(None, pl.String)).alias("fid"),
        pl.col(iid).alias("iid"),
        coded.alias("sex"),
    ).cast(pl.Schema(SAMPLE_SCHEMA))
    _refuse_duplicate_samples(samples, name, first_line)
    return samples


def _refuse_duplicate_samples(samples: pl.DataFrame, name: str, first_line: int) -> None:
    """Raises SpecError if two samples have the same family and individual id: their rows could not be told apart."""
    repeated = ~samples.select(pl.struct("fid", "iid").is_first_distinct().alias("first"))["first"]
    if repeated.any():
        line = first_line + (repeated.arg_max() or 0)
        raise SpecError(f"{name!r}: line {line} repeats the ids of an earlier sample: give each sample its own")
