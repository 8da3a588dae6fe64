"""From the columns of a scoring file to rows in normal form."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from workers.genomics.scores.builds import chromosome_key
from workers.genomics.scores.layout import Layout
from workers.genomics.scores.reasons import Reason
from workers.genomics.scores.sheet import ADDITIVE, DOMINANT, RECESSIVE, ROW_SCHEMA
from workers.genomics.scores.text import EXTRA

_MOST = 10**10
_NOTHING = ("", "na", "nan", ".", "null", "none")
_TRUE = ("true", "1", "t", "yes")
_NAMES = {"additive": ADDITIVE, "dominant": DOMINANT, "recessive": RECESSIVE}
_ALLELE = "^[A-Za-z0-9*<>_:.+-]{1,4096}$"
_POSITION = "^[0-9]{1,10}$"
_FLOAT = r"^[0-9]{1,10}(\.[0-9]+)?[eE]\+?[0-9]{1,2}$"
_ADDITIVE_TEST = "add"


def normal_rows(
    raw: pl.DataFrame, layout: Layout, places: tuple[str, str] | None, first: int
) -> tuple[pl.DataFrame, NDArray[np.float64]]:
    """Rows of `ROW_SCHEMA` from a piece of `workers.genomics.scores.text.text_frame`, and its weights. `places` are
    the roles that give the position; None: the file has none. The first row is number `first`."""
    roles = {role: str(place) for role, place in layout.roles.items()}
    weights, wrong = _weights(raw, [str(place) for place in layout.weights], layout.logs)
    text = raw.select(*(_text(roles[role]).alias(role) for role in roles), pl.col(EXTRA))
    text = text.with_columns(pl.lit(None, pl.String).alias(role) for role in _USED if role not in roles)
    chrom, pos = places or ("chrom", "pos")
    kind = _kind()
    found = text.select(
        pl.int_range(first, first + pl.len(), dtype=pl.Int64).alias("row_nr"),
        (chromosome_key(chrom) if places else pl.lit(None, pl.String)).alias("chrom"),
        (_position(pos) if places else pl.lit(None, pl.Int64)).alias("pos"),
        pl.coalesce("hm_id", "id").alias("id"),
        _allele("effect").alias("effect"),
        pl.coalesce(_allele("other"), _inferred(), _other_of_pair()).alias("other"),
        kind.fill_null(ADDITIVE).cast(pl.UInt8).alias("kind"),
        pl.col("frequency").cast(pl.Float64, strict=False).alias("frequency"),
        EXTRA,
        (pl.col("test").str.to_lowercase() != _ADDITIVE_TEST).fill_null(value=False).alias("other_test"),
        *(_is_true(role).alias(role) for role in ("is_haplotype", "is_diplotype", "is_interaction")),
        pl.any_horizontal(pl.col(f"dosage_{n}").is_not_null() for n in range(3)).alias("dosages"),
        kind.is_null().alias("no_kind"),
        pl.Series("empty", np.isnan(weights).all(axis=1) if weights.shape[1] else np.ones(raw.height, dtype=bool)),
        pl.Series("wrong", wrong),
    )
    frequency = pl.col("frequency")
    found = found.with_columns(
        _excluded().alias("excluded"),
        pl.when(frequency.is_between(0, 1)).then(frequency).alias("frequency"),
    )
    return found.select(*ROW_SCHEMA), weights


_USED = (
    "hm_id", "hm_other", "id", "effect", "other", "frequency", "effect_type", "is_dominant", "is_recessive",
    "is_interaction", "is_haplotype", "is_diplotype", "dosage_0", "dosage_1", "dosage_2", "test", "ref", "alt",
)  # fmt: skip


def _text(column: str) -> pl.Expr:
    held = pl.col(column)
    return pl.when(~held.str.to_lowercase().is_in(_NOTHING)).then(held)


def _is_true(role: str) -> pl.Expr:
    return pl.col(role).str.to_lowercase().is_in(_TRUE).fill_null(value=False)


def _position(role: str) -> pl.Expr:
    # Tools that know no missing whole number write 10 as 10.0.
    held = pl.col(role).str.replace(r"\.0+$", "")
    plain = pl.when(held.str.contains(_POSITION)).then(held).cast(pl.Int64, strict=False)
    # R writes 100000 as 1e+05.
    number = pl.when(held.str.contains(_FLOAT)).then(held).cast(pl.Float64, strict=False)
    whole = pl.when((number == number.floor()) & (number < _MOST)).then(number).cast(pl.Int64, strict=False)
    return pl.coalesce(plain, whole)


def _allele(role: str) -> pl.Expr:
    held = pl.col(role)
    return pl.when(held.str.contains(_ALLELE)).then(held.str.to_uppercase())


def _inferred() -> pl.Expr:
    """The other allele as the harmonisation inferred it; several of them are none."""
    held = pl.col("hm_other")
    return pl.when(held.str.contains("^[A-Za-z]+$")).then(held.str.to_uppercase())


def _other_of_pair() -> pl.Expr:
    """The one of REF and ALT that the effect allele is not, where there are two alleles."""
    effect, ref, alt = _allele("effect"), _allele("ref"), _allele("alt")
    return pl.when(effect == alt).then(ref).when(effect == ref).then(alt)


def _kind() -> pl.Expr:
    """Null where the row says two things, or one that is not known."""
    said = pl.col("effect_type").str.to_lowercase()
    named = said.replace_strict(_NAMES, default=None, return_dtype=pl.Int8)
    dominant, recessive = _is_true("is_dominant"), _is_true("is_recessive")
    flagged = pl.when(dominant & recessive).then(-1).when(dominant).then(DOMINANT).when(recessive).then(RECESSIVE)
    both = pl.when(said.is_null()).then(flagged.otherwise(ADDITIVE)).when(flagged.otherwise(named) == named).then(named)
    return pl.when(both >= 0).then(both)


def _excluded() -> pl.Expr:
    """The first thing that keeps a row from being looked for."""
    rules: Sequence[tuple[pl.Expr, Reason]] = (
        (pl.col(EXTRA), Reason.BAD_ROW),
        (pl.col("other_test"), Reason.OTHER_TEST),
        (pl.col("is_diplotype"), Reason.DIPLOTYPE),
        (pl.col("is_haplotype"), Reason.HAPLOTYPE),
        (pl.col("is_interaction"), Reason.INTERACTION),
        (pl.col("dosages"), Reason.DOSAGE_WEIGHTS),
        (pl.col("no_kind"), Reason.EFFECT_TYPE),
        (pl.col("wrong"), Reason.BAD_WEIGHT),
        (pl.col("empty"), Reason.NO_WEIGHT),
        (pl.col("effect").is_null(), Reason.NO_EFFECT_ALLELE),
        (pl.col("effect") == pl.col("other"), Reason.SAME_ALLELES),
    )
    return pl.coalesce(pl.when(test).then(pl.lit(reason.value)) for test, reason in rules)


def _weights(raw: pl.DataFrame, columns: Sequence[str], logs: bool) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The weights as float64, NaN where there is none, and which rows hold something that is no finite number, or, as
    `logs` are asked for, has no logarithm."""
    numbers = raw.select(pl.col(columns).cast(pl.Float64, strict=False))
    weights = np.array(numbers.to_numpy(), order="C") if columns else np.zeros((raw.height, 0))
    wrong = np.zeros(raw.height, dtype=bool)
    absent = ~np.isfinite(weights)
    for place in np.flatnonzero(absent.any(axis=0)):
        held = raw[columns[int(place)]]
        if held.dtype != pl.String:
            continue  # numbers already, and the others are empty
        given = held.is_not_null() & ~held.str.to_lowercase().is_in(_NOTHING)
        wrong |= absent[:, place] & given.to_numpy()
    weights[absent] = np.nan
    if logs:
        wrong |= (weights <= 0).any(axis=1)
        weights = np.log(np.where(weights > 0, weights, np.nan))
    return weights, wrong
