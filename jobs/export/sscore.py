"""Polygenic scores as plink2 --score writes them: `.sscore`, tab-separated, one line a sample.

    #FID IID ALLELE_CT DENOM NAMED_ALLELE_DOSAGE_SUM <score>_AVG ... <score>_SUM ...

`#FID` is there where a sample has one; else the line begins with `#IID`. Counts of alleles are those of a group of
scores with the same variants and alleles: there is one file a group, `<model>.sscore` where a model has only one, else
`<model>.<number>.sscore`. A score of too low overlap is in none; samples without scores have no line.
"""

import math
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from jobs.export.contract import Export, ExportPlan, Written
from jobs.export.target import Target
from schemas.errors import UsageError
from schemas.status import Status
from schemas.wording import counted
from workers.finished_runs.run import FinishedRun

LOW_OVERLAP = "low_overlap"
_COUNTS = ("allele_ct", "denom", "named_dosage")
_OPEN_FILES = 64
"""The rows are read once for so many files."""

_SLICE = 4096


@dataclass(frozen=True)
class Group:
    """Scores of one file: `columns` are theirs in the rows, `names` those that the file gives them. `number` is the
    place in the lists of counts, whose columns are `counts`."""

    key: str
    number: int
    names: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[str, str, str]
    status: str


class SscoreExport(Export):
    """A file a group of scores."""

    format = "sscore"
    title = "polygenic scores as plink2 --score writes them"

    model: str | None = Field(None, description="only this model's scores, where the run has several")
    digits: int = Field(6, ge=1, le=17, description="significant digits; 6 as plink2, 17 are all")

    def plan(self, source: FinishedRun) -> ExportPlan:
        """One file for each group of scores, with plink2's columns where the run has them."""
        groups, low = groups_of(source, self.model)
        if not groups:
            raise UsageError(
                "no score of the run has enough of its variants: nothing to export; stages/match/rows say why"
            )
        keys = [group.key for group in groups]
        parts = {"digits": self.digits, "files": keys}
        return ExportPlan(parts, keys, lambda target: self._write(target, source, groups, low))

    def _write(self, target: Target, source: FinishedRun, groups: Sequence[Group], low: Sequence[str]) -> Written:
        samples, left_out, has_fid = 0, Counter[str](), _has_fid(source)
        with tempfile.TemporaryDirectory(prefix="wardround-sscore-") as folder:
            for start in range(0, len(groups), _OPEN_FILES):
                part = groups[start : start + _OPEN_FILES]
                there, without = _write_files(source, part, Path(folder), has_fid, self.digits)
                samples = max(samples, there)
                left_out |= without
                for group in part:
                    path = Path(folder) / group.key
                    target.write_file(group.key, path)
                    path.unlink()
        return self._written(samples, sum(len(group.names) for group in groups), low, left_out)

    def _written(self, samples: int, scores: int, low: Sequence[str], left_out: Counter[str]) -> Written:
        by_status = dict(sorted(left_out.items()))
        figures = {
            "scores": scores,
            "samples": samples,
            "low_overlap": low,
            "digits": self.digits,
            "left_out": by_status,
        }
        without = ", ".join(f"{count:,} {status}" for status, count in by_status.items()) or "0"
        rows = [("samples", f"{samples:,}"), ("scores", f"{scores:,}"), ("left out", without)]
        note = f"{counted(len(low), 'score')} left out of every file: too few of their variants were found"
        return Written(figures, rows, (note,) if low else ())


def groups_of(source: FinishedRun, wanted: str | None) -> tuple[list[Group], list[str]]:
    """The files to write, and the scores that are in none for their overlap. Raises UsageError."""
    run = source.run
    state: dict[str, Any] = run.parts.get("state") or {}
    groups_of_models: dict[str, dict[str, int]] = state.get("groups") or {}
    models = [name for name, record in run.models.items() if record.format == "pgs"]
    if wanted is not None and wanted not in models:
        raise UsageError(
            f"--model {wanted!r} is no directory of scores of this run; it has {', '.join(models) or 'none'}"
        )
    if not models:
        raise UsageError("the run has no polygenic scores: only models that are directories of scoring files have them")
    groups: list[Group] = []
    low: list[str] = []
    for model in models if wanted is None else [wanted]:
        made, without = _of_model(source, model, groups_of_models.get(model, {}))
        groups += made
        low += without
    return groups, low


def _of_model(source: FinishedRun, model: str, numbers: dict[str, int]) -> tuple[list[Group], list[str]]:
    own = source.outputs(model)
    if not {*_COUNTS, LOW_OVERLAP} <= own.keys():
        raise UsageError(
            f"the rows of model {model!r} have no counts of alleles, which .sscore needs: run it with "
            "prepare: [{columns: {counts: true}}]"
        )
    members: dict[int, list[str]] = {}
    for name in own:
        if name in numbers:
            members.setdefault(numbers[name], []).append(name)
    allele_ct, denom, named = (own[name].name for name in _COUNTS)
    status = source.status_column(model)
    groups = [
        Group(
            key=f"{model}.sscore" if len(members) == 1 else f"{model}.{number}.sscore",
            number=number,
            names=tuple(names),
            columns=tuple(own[name].name for name in names),
            counts=(allele_ct, denom, named),
            status=status,
        )
        for number, names in sorted(members.items())
    ]
    return groups, _low(source, own[LOW_OVERLAP].name, numbers)


def _low(source: FinishedRun, column: str, scored: Mapping[str, int]) -> list[str]:
    """The same in every row that has scores, but for those of which nothing was called in a sample."""
    for _, rows in source.tables([column]):
        for names in rows[column].to_pylist():
            if names is not None:
                return [name for name in names if name not in scored]
    return []


def _has_fid(source: FinishedRun) -> bool:
    if "fid" not in source.schema().names:
        return False
    return any(rows["fid"].null_count < rows.num_rows for _, rows in source.tables(["fid"]))


def _write_files(
    source: FinishedRun, groups: Sequence[Group], folder: Path, has_fid: bool, digits: int
) -> tuple[int, Counter[str]]:
    """Write these files into `folder`; how many samples they have, and how many have no scores, by status."""
    ids = ["subject_id", *(["fid"] if has_fid else [])]
    columns = set(ids) | {name for group in groups for name in (*group.columns, *group.counts, group.status)}
    samples, left_out = 0, Counter[str]()
    with ExitStack() as stack:
        files = [
            stack.enter_context((folder / group.key).open("w", encoding="utf-8", newline="\n")) for group in groups
        ]
        for group, file in zip(groups, files, strict=True):
            file.write(_header(group, has_fid))
        for _, rows in source.tables(sorted(columns)):
            for place, (group, file) in enumerate(zip(groups, files, strict=True)):
                status = rows[group.status].cast(pa.string())
                own = rows.select([*ids, *group.counts, *group.columns])
                good = own.filter(pc.equal(status, Status.OK.value))
                _write_rows(file, good, group, has_fid, digits)
                if place == 0:
                    samples += good.num_rows
                    left_out.update(word for word in status.to_pylist() if word != Status.OK)
    return samples, left_out


def _header(group: Group, has_fid: bool) -> str:
    names = ["#FID", "IID"] if has_fid else ["#IID"]
    names += ["ALLELE_CT", "DENOM", "NAMED_ALLELE_DOSAGE_SUM"]
    names += [f"{name}_AVG" for name in group.names] + [f"{name}_SUM" for name in group.names]
    return "\t".join(names) + "\n"


def _write_rows(file: TextIO, rows: pa.Table, group: Group, has_fid: bool, digits: int) -> None:
    scores = len(group.columns)
    form = "\t".join(["%s"] * (2 if has_fid else 1) + ["%d", "%d", "%s"] + [f"%.{digits}g"] * (2 * scores)) + "\n"
    for start in range(0, rows.num_rows, _SLICE):
        part = rows.slice(start, _SLICE)
        # Counts are lists by group.
        allele_ct, denom, named = (pc.list_element(part[name], group.number).to_pylist() for name in group.counts)
        ids: list[Iterable[str]] = [part["subject_id"].to_pylist()]
        if has_fid:
            ids.insert(0, [fid or "0" for fid in part["fid"].to_pylist()])
        sums = list(zip(*(part[name].to_pylist() for name in group.columns), strict=True))
        lines = []
        for place, words in enumerate(zip(*ids, strict=True)):
            by, values = denom[place], sums[place]
            averages = [math.nan if value is None or not by else value / by for value in values]
            # Of a sample without any call.
            values = tuple(math.nan if value is None else value for value in values)
            lines.append(form % (*words, allele_ct[place], by, _dosage(named[place]), *averages, *values))
        file.write("".join(lines))


def _dosage(value: float) -> str:
    """A sum of hard calls is a whole number; one of dosages has the four decimals that these are worth."""
    return f"{value:.4f}".rstrip("0").rstrip(".")
