"""Scoring files on disk: which a directory holds, what scores they name, and their rows.

Read are those of the PGS Catalog (format 2.0, harmonised or not, and the older forms), and plain tables (CSV, TSV,
blanks, Parquet) with an effect allele and one column of weights or many. Text may be gzipped.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.errors import SpecError
from schemas.wording import counted
from workers.genomics.scores.asked import LayoutFile, read_asked
from workers.genomics.scores.builds import normal_build
from workers.genomics.scores.header import Header
from workers.genomics.scores.layout import Layout
from workers.genomics.scores.parquet import ParquetTable, is_parquet
from workers.genomics.scores.reasons import Reason
from workers.genomics.scores.rows import normal_rows
from workers.genomics.scores.sheet import ROW_SCHEMA, ScoreSheet
from workers.genomics.scores.text import TAG, TextTable, text_frame

_TEXTS = (".txt", ".tsv", ".csv", ".snpres")
SUFFIXES = (*_TEXTS, *(f"{text}.gz" for text in _TEXTS), ".parquet")
MAX_ROWS = 50_000_000
"""The most rows of one file; a score over every variant of an imputed panel has about 40 million."""
_SMALL = 256 << 10
"""Bytes of a file, gzipped and not, that is read together with others."""
_TOGETHER = 256


Places = tuple[tuple[str, str] | None, str | None]
"""The roles that give positions, and the build of these."""


@dataclass(frozen=True)
class ScoreNames:
    """What the top of a file says of it."""

    name: str
    scores: tuple[str, ...]
    header: Header
    layout: Layout


def score_files(directory: Path) -> list[Path]:
    """The files of a directory that could be scoring files, by name, in order."""
    return sorted(path for path in directory.iterdir() if path.is_file() and _could_be(path.name.lower()))


def _could_be(name: str) -> bool:
    return name.endswith(SUFFIXES) and not name.startswith(("readme", "license", "."))


def score_names(path: Path, asked: LayoutFile | None = None) -> ScoreNames:
    """Reads no rows. Raises SpecError where it is no scoring file. `asked` as in `read_scores`."""
    return _names(path, _open(path, asked))


def read_scores(path: Path, build: str | None = None, asked: LayoutFile | None = None) -> ScoreSheet:
    """The whole file, read as `asked` has it: the `layout.yaml` beside it, by default. Of reported and harmonised
    positions those are taken that are of `build`, that of the genotypes; where neither says so, the harmonised. Raises
    SpecError for a file that cannot be read to its end."""
    table = _open(path, asked)
    names = _names(path, table)
    places, of = _places(names.header, names.layout, normal_build(build))
    frames, weights, count = [pl.DataFrame(schema=ROW_SCHEMA)], [np.zeros((0, len(names.scores)))], 0
    for piece in table.pieces():
        rows, values = normal_rows(piece, names.layout, places, count)
        frames.append(rows)
        weights.append(values if values.shape[1] else np.full((rows.height, 1), np.nan))
        count += rows.height
        if count > MAX_ROWS:
            raise SpecError(f"{path}: has more than {MAX_ROWS} rows")
    return _sheet(path, names, (places, of), pl.concat(frames), np.concatenate(weights))


def _sheet(
    path: Path, names: ScoreNames, places: Places, rows: pl.DataFrame, weights: NDArray[np.float64]
) -> ScoreSheet:
    """Raises SpecError where a column that should be a score's holds text alone."""
    if names.layout.names is not None and (rows["excluded"] == Reason.BAD_WEIGHT).any():
        empty = np.flatnonzero(np.isnan(weights).all(axis=0))
        if len(empty):
            place = names.layout.weights[int(empty[0])] + 1
            raise SpecError(
                f"{path}: column {place} is no known one and holds no numbers: take it out, or call the one column of "
                "weights effect_weight"
            )
    said = names.header.variants_number
    warning = (
        None
        if said in (None, rows.height)
        else f"its header says {said} variants, and it has {counted(rows.height, 'row')}"
    )
    return ScoreSheet(names.name, names.scores, places[1], places[0] is not None, rows, weights, warning)


def read_all(paths: Sequence[Path], build: str | None = None) -> list[ScoreSheet | SpecError]:
    """Each of several files as `read_scores` reads it, or what it raises. Many small ones are read at once."""
    found: dict[int, ScoreSheet | SpecError] = {}
    asked = {folder: read_asked(folder) for folder in {path.parent for path in paths}}
    alike: dict[Hashable, list[_Small]] = {}
    for number, path in enumerate(paths):
        try:
            small = _small(number, path, normal_build(build), asked[path.parent])
            if small is None:
                found[number] = read_scores(path, build, asked[path.parent])
            else:
                alike.setdefault(small.shape, []).append(small)
        except SpecError as error:
            found[number] = error
    for group in alike.values():
        for start in range(0, len(group), _TOGETHER):
            found |= _read_together(group[start : start + _TOGETHER])
    return [found[number] for number in range(len(paths))]


@dataclass(frozen=True)
class _Small:
    """A small text file, not yet taken apart. Those of one `shape` are taken apart as one."""

    number: int
    names: ScoreNames
    separator: bytes
    path: Path
    places: Places
    body: bytes

    @property
    def shape(self) -> Hashable:
        """What decides how its lines become rows."""
        layout = self.names.layout
        return self.separator, self.places[0], layout.width, tuple(layout.roles.items()), layout.weights, layout.logs


def _small(number: int, path: Path, build: str | None, asked: LayoutFile) -> _Small | None:
    if is_parquet(path) or path.stat().st_size > _SMALL:
        return None
    table = TextTable(path, asked.of(path))
    names = _names(path, table)
    body = table.whole(_SMALL)
    if body is None:
        return None
    return _Small(number, names, table.top.separator, path, _places(names.header, names.layout, build), body)


def _read_together(group: Sequence[_Small]) -> dict[int, ScoreSheet | SpecError]:
    lines = [small.body.count(b"\n") + 1 if small.body else 0 for small in group]
    tags = np.repeat(np.arange(len(group)), lines)
    layout, body = group[0].names.layout, b"\n".join(small.body for small in group if small.body)
    raw = text_frame(body, layout.width, group[0].separator, tags)
    counts = np.zeros(len(group), dtype=np.int64)
    rows, weights = pl.DataFrame(schema=ROW_SCHEMA), np.zeros((0, len(group[0].names.scores)))
    if raw.height:
        counts = np.bincount(raw[TAG].to_numpy(), minlength=len(group))
        rows, weights = normal_rows(raw, layout, group[0].places[0], 0)
        weights = weights if weights.shape[1] else np.full((rows.height, 1), np.nan)
    first = np.cumsum(counts) - counts
    rows = rows.with_columns(pl.col("row_nr") - pl.Series(np.repeat(first, counts)))
    found: dict[int, ScoreSheet | SpecError] = {}
    for small, start, count in zip(group, first, counts, strict=True):
        part = slice(int(start), int(start + count))
        try:
            found[small.number] = _sheet(small.path, small.names, small.places, rows[part], weights[part])
        except SpecError as error:
            found[small.number] = error
    return found


def _open(path: Path, asked: LayoutFile | None) -> TextTable | ParquetTable:
    of_file = (read_asked(path.parent) if asked is None else asked).of(path)
    return ParquetTable(path, of_file) if is_parquet(path) else TextTable(path, of_file)


def _names(path: Path, table: TextTable | ParquetTable) -> ScoreNames:
    header, layout = table.top.header, table.top.layout
    name = header.accession or _stem(path)
    scores = layout.names or (name,)
    if len(set(scores)) < len(scores):
        raise SpecError(f"{path}: two columns of weights have one name")
    return ScoreNames(name, scores, header, layout)


def _stem(path: Path) -> str:
    longest = max((end for end in SUFFIXES if path.name.lower().endswith(end)), key=len, default="")
    return path.name[: len(path.name) - len(longest)]


def _places(header: Header, layout: Layout, build: str | None) -> Places:
    harmonised = (("hm_chrom", "hm_pos"), header.harmonised_build) if layout.harmonised else None
    reported = (("chrom", "pos"), header.build) if layout.reported else None
    choices = [choice for choice in (harmonised, reported) if choice]
    return next((choice for choice in choices if choice[1] == build), choices[0] if choices else (None, header.build))


def iterate_names(directory: Path) -> Iterator[tuple[Path, ScoreNames]]:
    """Every scoring file of a directory with what its top says. Raises SpecError naming the first that is none."""
    asked = read_asked(directory)
    for path in score_files(directory):
        yield path, score_names(path, asked)
