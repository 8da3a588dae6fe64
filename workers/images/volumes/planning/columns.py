"""The columns that stages before `predict` write and plan with, beside those of every stage."""

import pyarrow as pa

from schemas.arrow_types import parse_type
from schemas.rows import stage_columns

HEADERS = "headers"
VOLUMES = "volumes"

HEADER_TYPES = {
    "format": "string",
    "series_uid": "string",
    "study_uid": "string",
    "modality": "string",
    "rows": "int64",
    "columns": "int64",
    "n_slices": "int64",
    "shape": "list<int64>",
    "affine": "list<float64>",
    "stored_bytes": "int64",
    "facts": "string",
    "remark": "string",
}
"""What stage `headers` says of an object. `facts` are those of a DICOM object's slices (`planning.texts`); `shape`,
`affine` (4 x 4, row by row) and `stored_bytes` are of a file that is a volume."""

TOGETHER = pa.field("together", pa.int64())
"""The place of the first object of its series, or study, among all objects: what is together is never cut."""
HEADER_STATUS = pa.field("header_status", pa.string())
HEADER_DETAIL = pa.field("header_detail", pa.string())


def header_fields() -> list[pa.Field]:
    """`HEADER_TYPES` as Arrow has them."""
    return [pa.field(name, parse_type(kind)) for name, kind in HEADER_TYPES.items()]


SLICE = "volume: string, frame: int64, index: int64, place_mm: float64, corner: list<int64>, sop_uid: string"
VOLUME_COLUMNS = stage_columns(
    VOLUMES,
    ("slices", f"list<struct<{SLICE}>>", "the slices of this object, and the volume that each is of"),
    ("volumes", "list<string>", "the volumes that this object is the first of, as JSON"),
)

GEOMETRY = {
    "series_uid": "string",
    "study_uid": "string",
    "n_slices": "int64",
    "shape": "list<int64>",
    "spacing": "list<float64>",
    "orientation": "string",
    "tilt_deg": "float64",
    "residual_mm": "float64",
    "affine": "list<float64>",
    "selected_by": "string",
}
"""What every row of a volume has beside the models' columns."""

SLICES = pa.field(
    "_slices",
    parse_type("list<struct<uri: string, etag: string, size: int64, frame: int64, index: int64, corner: list<int64>>>"),
)
"""Where the slices of a planned volume lie: `index` along k, `corner` (row, column) of one in a mosaic."""
VOLUME_STATUS = pa.field("_status", pa.string())
VOLUME_DETAIL = pa.field("_detail", pa.string())
FORMAT = pa.field("_format", pa.string())
DECODED_BYTES = pa.field("_bytes", pa.int64())


def as_carried(field: pa.Field) -> pa.Field:
    """A column that comes along from the input, under a name that none of an earlier stage can have."""
    return pa.field(f"carried.{field.name}", field.type)


def geometry_fields() -> list[pa.Field]:
    """`GEOMETRY` as Arrow has it."""
    return [pa.field(name, parse_type(kind)) for name, kind in GEOMETRY.items()]
