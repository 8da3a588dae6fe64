"""The rows a run writes: identity, status, carried columns, then each model's outputs."""

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

from schemas.errors import SpecError
from schemas.frozen import Frozen
from schemas.outputs import OutputField, Total, column_type
from schemas.plan import RESERVED

STATUS_TYPE = pa.dictionary(pa.int32(), pa.string())
IDENTITY = (
    pa.field("record_id", pa.string(), nullable=False),
    pa.field("subject_id", pa.string()),
    pa.field("status", STATUS_TYPE, nullable=False),
    pa.field("detail", pa.string()),
)


class OutputColumn(Frozen):
    """One column after the carried ones. `output` is empty for the status column of a model among several.

    `total` and `table` decide no row: they are no part of a fingerprint. `table` is a title: the manifest has the rows
    of this column, a list of structs, as a table that summary and report show.
    """

    name: str
    type: str
    meaning: str
    model: str
    output: str
    total: Total | None = None
    table: str | None = None


def stage_columns(stage: str, *columns: tuple[str, str, str]) -> tuple[OutputColumn, ...]:
    """Columns that a stage writes of its own accord: name, type, meaning."""
    return tuple(
        OutputColumn(name=name, type=kind, meaning=meaning, model=stage, output=name) for name, kind, meaning in columns
    )


def table_columns(stage: str, *columns: tuple[str, str, str]) -> tuple[OutputColumn, ...]:
    """Columns of a stage whose rows are tables of the manifest: name, type, title."""
    return tuple(
        OutputColumn(name=name, type=kind, meaning=title, model=stage, output=name, table=title)
        for name, kind, title in columns
    )


def output_columns(models: Mapping[str, Sequence[OutputField]]) -> tuple[OutputColumn, ...]:
    """The models' columns in spec order: their own names for one model, `<model>__<output>` for several.

    Raises SpecError where two columns would have one name.
    """
    columns: list[OutputColumn] = []
    for model, outputs in models.items():
        prefix = f"{model}__" if len(models) > 1 else ""
        if prefix:
            meaning = f"what became of the record in model {model}"
            columns.append(OutputColumn(name=f"{prefix}status", type="string", meaning=meaning, model=model, output=""))
        for field in outputs:
            columns.append(
                OutputColumn(
                    name=prefix + field.name,
                    type=field.type,
                    meaning=field.meaning,
                    model=model,
                    output=field.name,
                    total=field.total,
                )
            )
    _refuse_doubles([column.name for column in columns])
    return tuple(columns)


def _refuse_doubles(names: list[str]) -> None:
    taken = set(RESERVED)
    for name in names:
        if name in taken:
            raise SpecError(f"output column {name!r} exists already; rename the model's output or the carried column")
        taken.add(name)


def row_schema(carry: Iterable[pa.Field], columns: Iterable[OutputColumn]) -> pa.Schema:
    """Schema of a shard object. Raises SpecError if a carried column has the name of an output."""
    carried, outputs = list(carry), list(columns)
    _refuse_doubles([field.name for field in carried] + [column.name for column in outputs])
    return pa.schema([*IDENTITY, *carried, *(_output_field(column) for column in outputs)])


def _output_field(column: OutputColumn) -> pa.Field:
    kind = STATUS_TYPE if not column.output else column_type(column.type)
    return pa.field(column.name, kind, metadata={"meaning": column.meaning})
