"""Entities of notes as table NOTE_NLP of the OMOP CDM 5.4, one Parquet file a shard.

The columns are the standard's, with `section`, `label`, `start` and `end` after them. As the standard has it,
`term_exists` is `Y` only where the patient has or had it: not for what is negated, uncertain or of a relative;
`term_temporal` is `past` or `present`. Nothing is mapped to concepts: those columns are 0, the standard's "no concept".
`note_id` is a number where all record ids of the run are, else text. `nlp_date` is that of the manifest.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from jobs.export.contract import Export, ExportPlan, Written
from jobs.export.target import Target, shard_file
from schemas.errors import UsageError
from schemas.loading import nearest
from schemas.rows import OutputColumn
from workers.finished_runs.run import FinishedRun

TEXT = "text"
"""Column of the note itself, of a run with `input.keep_text`; also the member of an entity's struct with its words."""

_AROUND = 80
"""Characters of a snippet on either side of the words."""

_SNIPPET, _VARIANT, _MODIFIERS = 250, 250, 2000
"""Greatest lengths of the standard."""

_FLAGS = ("negated", "uncertain", "historical", "family")
_MODIFIER = {"negated": "Negation=true", "uncertain": "Uncertain=true", "family": "Subject=family"}
_DIGITS = r"^(0|-?[1-9][0-9]{0,17})$"


class NoteNlpExport(Export):
    """`shard-<n>.parquet` for every shard with an entity."""

    format = "note_nlp"
    title = "entities of notes as table NOTE_NLP of the OMOP CDM"

    column: str | None = Field(None, description="the column of entities, where the run has several")

    def plan(self, source: FinishedRun) -> ExportPlan:
        """The table to write, checked against the run's notes and columns."""
        found = entity_column(source, self.column)
        has_snippets = TEXT in source.schema().names
        maker = _Maker(source, found, has_snippets, _all_digits(source))

        def write(target: Target) -> Written:
            notes = terms = 0
            for shard, rows in source.tables(maker.columns):
                table = maker.table(rows, terms)
                notes += rows.num_rows
                terms += table.num_rows
                if table.num_rows:
                    target.write_table(shard_file(shard), table, {"shard": str(shard), "entities": found.name})
            return _written(found.name, notes, terms, has_snippets)

        return ExportPlan({"entities": found.name}, [shard_file(shard) for shard in source.shards()], write)


def _written(entities: str, notes: int, terms: int, has_snippets: bool) -> Written:
    figures = {"entities": entities, "notes": notes, "terms": terms, "snippets": has_snippets}
    rows = [("entities", entities), ("notes", f"{notes:,}"), ("terms", f"{terms:,}")]
    without = "snippet is null: only a run with input.keep_text has the text around an entity"
    return Written(figures, rows, () if has_snippets else (without,))


def entity_column(source: FinishedRun, wanted: str | None) -> OutputColumn:
    """The column of entities that was asked for, or else the only one. Raises UsageError with those to choose from."""
    there = {column.name: column for column in source.run.columns if _is_entities(source, column)}
    if not there:
        raise UsageError("the run has no column of entities with start, end and label: it is no run of a recogniser")
    if wanted is None and len(there) > 1:
        raise UsageError(f"--column must say which entities are meant: {', '.join(there)}")
    if wanted is not None and wanted not in there:
        raise UsageError(
            f"--column {wanted!r} is no column of entities{nearest(wanted, there)} It has {', '.join(there)}"
        )
    return there[wanted] if wanted is not None else next(iter(there.values()))


def _is_entities(source: FinishedRun, column: OutputColumn) -> bool:
    return bool(column.output) and {"start", "end", "label"} <= set(_members(source, column.name))


def _members(source: FinishedRun, name: str) -> list[str]:
    kind = source.schema().field(name).type
    if not (pa.types.is_list(kind) and pa.types.is_struct(kind.value_type)):
        return []
    return [kind.value_type.field(i).name for i in range(kind.value_type.num_fields)]


def _all_digits(source: FinishedRun) -> bool:
    return all(
        pc.all(pc.match_substring_regex(rows["record_id"], _DIGITS)).as_py() is not False
        for _, rows in source.tables(["record_id"])
    )


class _Maker:
    """Makes the rows of one shard after the other."""

    def __init__(self, source: FinishedRun, column: OutputColumn, has_text: bool, is_number: bool) -> None:
        self._column = column.name
        self._members = _members(source, column.name)
        if TEXT not in self._members and not has_text:
            raise UsageError(
                "NOTE_NLP needs the words of each entity (lexical_variant) and this run has none: run it again with "
                "prepare: [{language: {text: true}}], or with input.keep_text: true"
            )
        self._note_id = pa.int64() if is_number else pa.string()
        model = source.run.models[column.model]
        versions = source.run.recorded.get("versions", {})
        self._system = f"wardround {versions.get('wardround', '')} {column.model} {model.sha256[:12]}".replace(
            "  ", " "
        )
        self._when = datetime.fromisoformat(source.manifest.finished).astimezone(UTC).replace(tzinfo=None)
        self.columns = ["record_id", self._column, *([TEXT] if has_text else [])]

    def table(self, rows: pa.Table, before: int) -> pa.Table:
        """A row an entity, in order. `before` of them are in earlier shards: ids go on from there, the first is 1."""
        lists = rows[self._column].combine_chunks()
        note = pc.list_parent_indices(lists)
        flat = pc.list_flatten(lists)
        members = {name: flat.field(i) for i, name in enumerate(self._members)}
        starts, ends = members["start"].to_pylist(), members["end"].to_pylist()
        texts = rows[TEXT].combine_chunks().take(note).to_pylist() if TEXT in rows.column_names else []
        count = len(flat)
        words = (
            members[TEXT].to_pylist()
            if TEXT in members
            else [t[a:b] for t, a, b in zip(texts, starts, ends, strict=True)]
        )
        snippets = list(map(_snippet, texts, starts, ends)) if texts else [None] * count
        flags = {flag: members[flag].to_pylist() if flag in members else None for flag in _FLAGS}
        sections = members["section"].to_pylist() if "section" in members else [None] * count
        labels = members["label"].to_pylist()
        zeros = pa.array([0] * count, pa.int32())
        return pa.table(
            {
                "note_nlp_id": pa.array(range(before + 1, before + count + 1), pa.int64()),
                "note_id": rows["record_id"].combine_chunks().take(note).cast(self._note_id),
                "section_concept_id": zeros,
                "snippet": pa.array(snippets, pa.string()),
                "offset": pa.array([str(start) for start in starts], pa.string()),
                "lexical_variant": pa.array([word[:_VARIANT] for word in words], pa.string()),
                "note_nlp_concept_id": zeros,
                "note_nlp_source_concept_id": zeros,
                "nlp_system": pa.array([self._system] * count, pa.string()),
                "nlp_date": pa.array([self._when.date()] * count, pa.date32()),
                "nlp_datetime": pa.array([self._when] * count, pa.timestamp("us")),
                "term_exists": pa.array(_exists(flags, count), pa.string()),
                "term_temporal": pa.array(_temporal(flags["historical"], count), pa.string()),
                "term_modifiers": pa.array(_modifiers(flags, labels, sections), pa.string()),
                "section": pa.array(sections, pa.string()),
                "label": pa.array(labels, pa.string()),
                "start": members["start"],
                "end": members["end"],
            }
        )


def _snippet(text: str, start: int, end: int) -> str:
    return " ".join(text[max(0, start - _AROUND) : end + _AROUND].split())[:_SNIPPET]


def _exists(flags: dict[str, list[Any] | None], count: int) -> Sequence[str | None]:
    said = [flags[name] for name in ("negated", "uncertain", "family")]
    known = [values for values in said if values is not None]
    if not known:
        return [None] * count
    return ["N" if any(row) else "Y" for row in zip(*known, strict=True)]


def _temporal(historical: list[Any] | None, count: int) -> Sequence[str | None]:
    return [None] * count if historical is None else ["past" if past else "present" for past in historical]


def _modifiers(flags: dict[str, list[Any] | None], labels: Sequence[str], sections: Sequence[str | None]) -> list[str]:
    found = []
    for at, (label, section) in enumerate(zip(labels, sections, strict=True)):
        parts = [text for flag, text in _MODIFIER.items() if (values := flags[flag]) is not None and values[at]]
        parts += [f"Label={label}", *([f"Section={section}"] if section else [])]
        found.append("; ".join(parts)[:_MODIFIERS])
    return found
