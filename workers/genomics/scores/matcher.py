"""Rows of scoring files against the variants of the genotypes: which counts what, and what happened to every row."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from workers.genomics.scores.alleles import TYPES, is_flipped
from workers.genomics.scores.choose import NONE, Choice, choose
from workers.genomics.scores.duplicates import settle
from workers.genomics.scores.entries import entries_of
from workers.genomics.scores.log import LOG_SCHEMA
from workers.genomics.scores.reasons import Outcome, Reason
from workers.genomics.scores.settings import Match
from workers.genomics.scores.sheet import ScoreSheet
from workers.genomics.scores.sites import Sites, find_sites
from workers.genomics.scores.summary import Fates, summarise
from workers.genomics.scores.target import Pairs, Target

_UNMATCHED = (Reason.NO_VARIANT.value, Reason.OTHER_ALLELES.value, Reason.WRONG_BUILD.value)


@dataclass(frozen=True)
class Matched:
    """What became of one file. `log` is of `LOG_SCHEMA`, `summary` of `SUMMARY_SCHEMA`, `entries` of `ENTRY_SCHEMA`."""

    sheet: str
    scores: tuple[str, ...]
    log: pl.DataFrame
    summary: pl.DataFrame
    entries: pl.DataFrame


def match(sheet: ScoreSheet, target: Target, settings: Match) -> Matched:
    """One file."""
    return match_all([sheet], target, settings)[0]


def match_all(sheets: Sequence[ScoreSheet], target: Target, settings: Match) -> list[Matched]:
    """Several files, each as if it were alone; many small ones take little more time than one of all their rows."""
    if not sheets:
        return []
    rows = pl.concat([sheet.rows for sheet in sheets])
    heights = np.array([sheet.rows.height for sheet in sheets])
    file = np.repeat(np.arange(len(sheets)), heights)
    by_id = np.array([_by_id(sheet, settings) for sheet in sheets])
    refused = np.array([_is_other_build(sheet, target, settings) for sheet in sheets])
    asked, why = _asked(rows, by_id[file])
    choice = choose(rows, _pairs(rows, target, asked, by_id[file]), target, settings)
    choice.exclude(refused[file], Reason.WRONG_BUILD)
    # A position in another build names another place: not even the log may show a variant for it.
    choice.place[refused[file]] = NONE
    out = ~asked
    choice.matched[out] = False
    choice.reason[out] = why[out]
    kind = rows["kind"].to_numpy()
    sites = find_sites(choice, rows, by_id[file], target, settings)
    settle(choice, file, kind, [sheet.weights for sheet in sheets], sites, settings)
    sites = sites.of(choice.matched)
    starts = np.concatenate(([0], np.cumsum(heights)))
    unmatched = np.isin(choice.reason, _UNMATCHED)
    log = _log(rows, choice, unmatched, sites, target)
    entries = entries_of(sheets, starts, choice, sites, kind, target.variants["variant_idx"].to_numpy())
    flipped = is_flipped(choice.rank)
    made = []
    for number, sheet in enumerate(sheets):
        part = slice(int(starts[number]), int(starts[number + 1]))
        own = log[part].insert_column(0, pl.Series("score", [sheet.name] * sheet.rows.height, dtype=pl.String))
        fates = Fates(
            choice.matched[part],
            unmatched[part],
            choice.ambiguous[part],
            flipped[part],
            choice.found[part],
            choice.reason[part],
        )
        summary = summarise(sheet, fates, target, settings, bool(refused[number]))
        warning = _warning(sheet, choice.reason[part])
        summary = summary.with_columns(pl.lit(warning, pl.String).alias("warning"))
        made.append(Matched(sheet.name, sheet.scores, own, summary, entries[number]))
    return made


def _warning(sheet: ScoreSheet, reasons: NDArray[np.object_]) -> str | None:
    """What is odd about the file, and what the genotypes would say of it if more were given."""
    inside = int((reasons == Reason.UNKNOWN_BASE.value).sum())
    texts = [] if sheet.warning is None else [sheet.warning]
    if inside:
        texts.append(f"{inside} of its rows lie within reference blocks, whose bases input.reference would tell")
    return "; ".join(texts) or None


def _by_id(sheet: ScoreSheet, settings: Match) -> bool:
    return settings.by == "id" or (settings.by == "auto" and not sheet.has_positions)


def _is_other_build(sheet: ScoreSheet, target: Target, settings: Match) -> bool:
    known = sheet.build is not None and target.build is not None and not _by_id(sheet, settings)
    return known and sheet.build != target.build


def _asked(rows: pl.DataFrame, by_id: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.object_]]:
    """Which rows are looked for, and why the others are not."""
    why = rows["excluded"].fill_null("").to_numpy().astype(object)
    no_position = rows.select(pl.col("chrom").is_null() | pl.col("pos").is_null()).to_series().to_numpy()
    no_id = rows["id"].is_null().to_numpy()
    why[(why == "") & ~by_id & no_position] = Reason.NO_POSITION.value
    why[(why == "") & by_id & no_id] = Reason.NO_ID.value
    return why == "", why


def _pairs(rows: pl.DataFrame, target: Target, asked: NDArray[np.bool_], by_id: NDArray[np.bool_]) -> Pairs:
    found = []
    for at, find in ((asked & ~by_id, target.at_positions), (asked & by_id, target.by_ids)):
        number = np.flatnonzero(at)
        if len(number):
            row, place = find(rows[number])
            found.append((number[row], place))
    if not found:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    row, place = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.argsort(row, kind="stable")
    return row[order], place[order]


def _log(
    rows: pl.DataFrame, choice: Choice, unmatched: NDArray[np.bool_], sites: Sites, target: Target
) -> pl.DataFrame:
    """All of `LOG_SCHEMA` but the score's name."""
    has = pl.Series(choice.place != NONE)
    variants = target.variants.select("variant_idx", "chrom", "pos", "id", "ref", "alt")
    # Where there is none, any variant: the next line blanks it.
    named = variants[np.maximum(choice.place, 0)] if variants.height else variants.clear(rows.height)
    named = named.select(pl.when(has).then(pl.all()))
    outcome = np.where(choice.matched, Outcome.MATCHED, np.where(unmatched, Outcome.UNMATCHED, Outcome.EXCLUDED))
    alts = np.bincount(sites.row, minlength=rows.height).astype(np.int32) + 1
    counts = pl.Series("counts", choice.matched & choice.flip)
    facts = pl.DataFrame(
        {
            "row_nr": rows["row_nr"],
            "row_id": rows["id"],
            "row_chrom": rows["chrom"],
            "row_pos": rows["pos"],
            "effect_allele": rows["effect"],
            "other_allele": rows["other"],
            "outcome": pl.Series(outcome.tolist(), dtype=pl.String),
            "match_type": pl.Series(np.array(TYPES, dtype=object)[choice.rank].tolist(), dtype=pl.String),
            "reason": pl.Series(choice.reason.tolist(), dtype=pl.String),
            "ambiguous": choice.ambiguous,
            "effect_is_ref": choice.flip,
            "alts": alts,
        }
    )
    facts = facts.with_columns(
        pl.when(has & (pl.col("match_type") != "")).then("match_type").alias("match_type"),
        pl.when(pl.col("reason") != "").then("reason").alias("reason"),
        pl.when(has).then("effect_is_ref").alias("effect_is_ref"),
        pl.when(counts).then("alts").alias("alts"),
    )
    return pl.concat([facts, named], how="horizontal").select(list(LOG_SCHEMA)[1:])
