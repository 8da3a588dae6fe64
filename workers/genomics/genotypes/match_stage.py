"""Stage `match`: which variants the rows of each scoring file, and the places of each panel, are."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from schemas.errors import SpecError
from schemas.rows import stage_columns, table_columns
from schemas.status import Status
from workers.genomics.genotypes.earlier import cohort_counts, encode
from workers.genomics.genotypes.formats.panel_variants import VARIANTS, read_panel
from workers.genomics.genotypes.layout import FILE, MATCH, entries_key, log_key
from workers.genomics.genotypes.models import GenotypeModel, open_models
from workers.genomics.genotypes.panel import PLACES
from workers.genomics.genotypes.ploidy import Haploid, is_among
from workers.genomics.genotypes.reference_bases import reference_bases
from workers.genomics.genotypes.source import Genotypes, GenotypeStage
from workers.genomics.genotypes.tables import planned_frequencies
from workers.genomics.scores.builds import chromosome_key
from workers.genomics.scores.files import read_all, score_files
from workers.genomics.scores.frequencies import cohort_frequencies
from workers.genomics.scores.log import LOG_SCHEMA, SUMMARY_SCHEMA
from workers.genomics.scores.matcher import Matched, match_all
from workers.genomics.scores.sheet import ADDITIVE, ROW_SCHEMA, ScoreSheet
from workers.genomics.scores.target import Bases, Target
from workers.pipeline.context import StageContext
from workers.pipeline.kinds import ShardTable, SideObject
from workers.pipeline.rowtable import build_rows

_KINDS = {pl.String: "string", pl.Int64: "int64", pl.Float64: "float64"}
_MEANINGS = {
    "score": "name of the score; of a panel, of the model",
    "file": "accession of the file, or its name",
    "build": "genome build of the positions that were taken",
    "n_variants": "rows of the score",
    "matched": "rows that count",
    "excluded": "rows that are left out for what they are",
    "unmatched": "rows of which the genotypes have no variant",
    "ambiguous": "rows with A/T or C/G",
    "flipped": "rows that were matched on the other strand",
    "overlap": "share of the rows that count",
    "position_overlap": "share of the rows at whose position the genotypes have a variant",
    "warning": "what is odd about the file, and kept nothing from being read",
}
COLUMNS = stage_columns(
    MATCH,
    *((name, _KINDS[SUMMARY_SCHEMA[name]], meaning) for name, meaning in _MEANINGS.items()),
    ("model", "string", "the model of the spec"),
    ("verdict", "string", "ok: it is scored; low_overlap or unreadable: its columns are null"),
    ("alleles", "string", "digest of the variants and alleles that it counts"),
    ("number", "int64", "place of its file in the directory"),
    ("log_key", "string", "where its match log lies in the run directory, with those of other files"),
    ("entries_key", "string", "where what counts of these files lies"),
) + table_columns(
    MATCH,
    ("warnings", "list<struct<model: string, file: string, warning: string>>", "Warnings"),
    ("covered", "list<struct<model: string, variants: int64, with_frequency: int64>>", "Given frequencies"),
    (
        "by_score",
        "list<struct<model: string, score: string, variants: int64, matched: int64, overlap: float64, "
        "verdict: string>>",
        "Matching by score",
    ),
)

_NO_SEX = (
    "{} of its rows lie on X and no sample says its sex: calls count as they are written, men's of two alleles twice; "
    "give input.sex when VCF is converted"
)

FileRow = dict[str, Any]
"""One row of the stage, its `detail` too."""

_PART = 32 << 20
"""Bytes of scoring files, as they lie there, that are matched together and share a log."""


class MatchStage(GenotypeStage):
    """Implements `workers.pipeline.kinds.ShardStage`. A shard is some scores, those of one file together."""

    def __init__(self, context: StageContext, genotypes: Genotypes) -> None:
        super().__init__(context, genotypes)
        self._models = {model.name: model for model in open_models(context)}
        self._made: Target | None = None
        self._files: dict[str, list[Path]] = {}
        self._frequencies: dict[str, pl.DataFrame] = {}
        self._covered: dict[str, dict[str, Any]] = {}
        self._on_x: dict[str, int] = {}

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """Match scoring files and panels. A file that cannot be read is reported in its rows, and ends nothing."""
        by_record: dict[str, FileRow] = {}
        side: list[SideObject] = []
        self._covered, self._on_x = {}, {}
        with self._genotypes.as_planned(records["etag"][0].as_py()):
            for name, numbers in _by_model(records).items():
                if self._models[name].is_panel:
                    by_record |= self._panel(name, shard, side)
                else:
                    for part, some in enumerate(self._parts(name, numbers)):
                        by_record |= self._scores(name, some, (shard, part), side)
        return self._table(records, by_record, side)

    def _table(self, records: pa.Table, by_record: Mapping[str, FileRow], side: Sequence[SideObject]) -> ShardTable:
        rows = [by_record[record] for record in records["record_id"].to_pylist()]
        values: dict[str, list[Any]] = {column.name: [row.get(column.name) for row in rows] for column in COLUMNS}
        values["warnings"] = self._warnings(rows)
        values["covered"] = [[self._covered[name]] if name in self._covered else [] for name in _first_of_each(rows)]
        values["by_score"] = [[_of_score(row)] for row in rows]
        details = [row["detail"] for row in rows]
        return ShardTable(build_rows(records, self._context.layout, values, [Status.OK] * len(rows), details), side)

    @property
    def _target(self) -> Target:
        if self._made is None:
            by_frequency = any(model.steps.match.ambiguous == "frequency" for model in self._models.values())
            frequencies = cohort_frequencies(cohort_counts(self._context, self._genotypes)) if by_frequency else None
            self._made = Target(self._genotypes.variants, frequencies, self._genotypes.build, self._bases())
        return self._made

    def _bases(self) -> Bases | None:
        uri = self._genotypes.settings.reference
        if uri is None:
            return None
        return reference_bases(uri, self._context.storage, self._context.run.parts["state"]["reference"])

    def _parts(self, name: str, numbers: Sequence[int]) -> Iterator[list[int]]:
        """Files that are small enough to be matched together; a large one is alone."""
        if name not in self._files:
            self._files[name] = score_files(self._models[name].directory)
        part: list[int] = []
        size = 0
        for number in numbers:
            more = self._files[name][number].stat().st_size
            if part and size + more > _PART:
                yield part
                part, size = [], 0
            part.append(number)
            size += more
        yield part

    def _scores(
        self, name: str, numbers: Sequence[int], at: tuple[int, int], side: list[SideObject]
    ) -> dict[str, FileRow]:
        """The rows of some files, all of which have one log and one table of entries: part `at[1]` of shard `at[0]`."""
        model, files, by_record = self._models[name], self._files[name], dict[str, FileRow]()
        keys = {"log_key": log_key(name, *at), "entries_key": entries_key(name, *at)}
        sheets: list[tuple[int, ScoreSheet]] = []
        read = read_all([files[number] for number in numbers], self._genotypes.build)
        for number, sheet in zip(numbers, read, strict=True):
            if isinstance(sheet, SpecError):
                by_record |= _unreadable(model, number, files[number], sheet)
            else:
                sheets.append((number, sheet))
        matched = match_all([sheet for _, sheet in sheets], self._target, model.steps.match)
        for (number, _), found in zip(sheets, matched, strict=True):
            digests = alleles_of(found)
            for row, digest in zip(found.summary.to_dicts(), digests, strict=True):
                by_record[f"{name}/{row['score']}"] = {
                    **row, **keys, "model": name, "number": number, "verdict": row["status"], "alleles": digest
                }  # fmt: skip
        if matched:
            entries = [
                found.entries.with_columns(pl.lit(number, pl.Int64).alias(FILE))
                for (number, _), found in zip(sheets, matched, strict=True)
            ]
            side += self._side(keys, pl.concat([found.log for found in matched]), pl.concat(entries))
            self._cover(model, pl.concat(entries))
            self._on_x[name] = self._on_x.get(name, 0) + int(
                is_among(pl.concat(entries)["variant_idx"].to_numpy(), self._x).sum()
            )
        return by_record

    @cached_property
    def _x(self) -> NDArray[np.int64]:
        """The variants of which men have one copy, where nobody says who is a man; none where somebody does."""
        found = Haploid(self._genotypes.variants, self._genotypes.build).x
        return found[:0] if (self._genotypes.samples["sex"] != 0).any() else found

    def _warnings(self, rows: Sequence[FileRow]) -> list[list[dict[str, Any]]]:
        """What is odd about files, once a file, in the row of its first score; and about models in their first row."""
        told: set[tuple[Any, Any]] = set()
        found: list[list[dict[str, Any]]] = []
        for row, first in zip(rows, _first_of_each(rows), strict=True):
            texts = [] if (row["model"], row["file"]) in told else [row.get("warning")]
            told.add((row["model"], row["file"]))
            if first is not None and self._on_x.get(first):
                texts.append(_NO_SEX.format(self._on_x[first]))
            about = {"model": row["model"], "file": row["file"]}
            found.append([{**about, "warning": text} for text in texts if text is not None])
        return found

    def _cover(self, model: GenotypeModel, entries: pl.DataFrame) -> None:
        """Count of how many of the records that count the step's table of frequencies has one."""
        uri = model.steps.impute.frequencies
        if uri is None:
            return
        if uri not in self._frequencies:
            self._frequencies[uri] = planned_frequencies(self._context, uri, self._genotypes.variants)
        records = entries.select(pl.concat_list("variant_idx", "others").explode(empty_as_null=False).unique())
        known = self._frequencies[uri].drop_nulls("alt_freq").join(records, on="variant_idx", how="semi").height
        count = self._covered.setdefault(model.name, {"model": model.name, "variants": 0, "with_frequency": 0})
        count["variants"] += records.height
        count["with_frequency"] += known

    def _panel(self, name: str, shard: int, side: list[SideObject]) -> dict[str, FileRow]:
        model = self._models[name]
        sheet = panel_sheet(name, read_panel(model.directory / VARIANTS), model.card.settings["genome_build"])
        (found,) = match_all([sheet], self._target, model.steps.match)
        return self._matched(name, shard, found, places_of(found), side)

    def _matched(
        self, name: str, shard: int, found: Matched, places: pl.DataFrame, side: list[SideObject]
    ) -> dict[str, FileRow]:
        """The row of a panel; adds its log and its places to `side`."""
        keys = {"log_key": log_key(name, shard, 0), "entries_key": entries_key(name, shard, 0)}
        (row,) = found.summary.to_dicts()
        side += self._side(keys, found.log, places)
        return {name: {**row, **keys, "model": name, "verdict": row["status"], "alleles": None}}

    def _side(self, keys: Mapping[str, str], log: pl.DataFrame, entries: pl.DataFrame) -> list[SideObject]:
        fingerprint = self._context.run.fingerprint
        return [
            SideObject(keys["log_key"], encode(log.select(list(LOG_SCHEMA)), fingerprint)),
            # Weights hardly get smaller, and a run reads them as often as it writes them.
            SideObject(keys["entries_key"], encode(entries, fingerprint, "lz4")),
        ]


def _of_score(row: FileRow) -> dict[str, Any]:
    """What the report's table says of a score."""
    names = {"model": "model", "score": "score", "variants": "n_variants", "matched": "matched", "overlap": "overlap"}
    return {**{name: row.get(column) for name, column in names.items()}, "verdict": row["verdict"]}


def _first_of_each(rows: Sequence[FileRow]) -> list[str | None]:
    """The model of each row where it is the first of its model, else None."""
    models = [str(row["model"]) for row in rows]
    return [model if models.index(model) == at else None for at, model in enumerate(models)]


def _by_model(records: pa.Table) -> dict[str, list[int]]:
    """Numbers of the files of each model; none of a panel."""
    found: dict[str, dict[int, None]] = {}
    for name, number in zip(records["model"].to_pylist(), records["number"].to_pylist(), strict=True):
        numbers = found.setdefault(name, {})
        if number is not None:
            numbers[number] = None
    return {name: list(numbers) for name, numbers in found.items()}


def _unreadable(model: GenotypeModel, number: int, path: Path, error: SpecError) -> dict[str, FileRow]:
    file = model.card.settings["files"][number]
    detail = str(error).replace(f"{path.parent}/", "")
    return {
        f"{model.name}/{score}": {
            "score": score, "file": file["name"], "number": number, "model": model.name,
            "verdict": str(Status.UNREADABLE), "detail": detail,
        }
        for score in file["scores"]
    }  # fmt: skip


def alleles_of(found: Matched) -> list[str]:
    """A digest a score of the variants and alleles that it counts: scores with one digest have one count of alleles."""
    entries = found.entries
    columns = [entries[name].to_numpy().astype(np.int64) for name in ("variant_idx", "flip", "kind", "site")]
    # Of two rows of one record only those that mean REF are joined: how many others there are tells all.
    columns.append(entries["others"].list.len().to_numpy().astype(np.int64))
    fixed = np.stack(columns, axis=1)
    flat = entries["weights"].explode(empty_as_null=False).to_numpy().reshape(entries.height, len(found.scores))
    given = ~np.isnan(flat)
    whole = _digest(fixed)
    return [whole if all_given else _digest(fixed[given[:, at]]) for at, all_given in enumerate(given.all(axis=0))]


def _digest(rows: NDArray[np.int64]) -> str:
    return hashlib.blake2b(rows.tobytes(), digest_size=16).hexdigest()


def panel_sheet(name: str, panel: pl.DataFrame, build: str) -> ScoreSheet:
    """A panel as one score in which every variant counts."""
    rows = panel.select(
        pl.int_range(pl.len(), dtype=pl.Int64).alias("row_nr"),
        chromosome_key("chrom").alias("chrom"),
        "pos",
        pl.lit(None, pl.String).alias("id"),
        pl.col("effect_allele").alias("effect"),
        pl.col("other_allele").alias("other"),
        pl.lit(ADDITIVE, pl.UInt8).alias("kind"),
        pl.col("effect_frequency").alias("frequency"),
        pl.lit(None, pl.String).alias("excluded"),
    ).cast(pl.Schema(ROW_SCHEMA))
    return ScoreSheet(name, (name,), build, True, rows, np.ones((panel.height, 1)))


def places_of(found: Matched) -> pl.DataFrame:
    """Rows of `PLACES`."""
    places = found.log.filter(pl.col("outcome") == "matched").select("variant_idx", pl.col("row_nr").alias("place"))
    # Two places may be of one record, and mean different alleles of it: entries are in the same order of both.
    return (
        found.entries.select("variant_idx", "flip", "others")
        .hstack(places.sort("variant_idx", "place").select("place"))
        .select(*PLACES)
        .cast(pl.Schema(PLACES))
    )
