"""What a spec says of collection `images`. Imports no decoder: the driver reads this too."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from schemas.frozen import Frozen
from schemas.location import Location

MIB = 1 << 20
GIB = 1 << 30

ImageFormat = Literal["dicom", "png", "jpeg", "tiff", "npy", "npz", "bmp", "webp", "gif", "jpeg2000"]


class ImagesInput(Frozen):
    """`input:` of a spec over images.

    `uri` is a prefix of objects, or a Parquet/CSV table with a column `uri`; with `bytes_column` the images lie in
    that binary column of Parquet files. `record_id` and `subject_id` name columns of the table; without a table
    `subject_id` may be a DICOM keyword. `roots` are the prefixes that uris of a table may point to; none given: the
    directory of the table. `glob` filters keys relative to the prefix.

    Columns of a CSV table are text as it is written (`007` stays `007`), but for `size` and `member`; only an empty
    field without quotes is null. Columns of Parquet keep their type.

    `format: auto` goes by content, never by name. `carry` names columns of the table or, for DICOM, attributes: by
    keyword (`PatientID`) or as eight hex digits (`00100020`).

    `record: image` makes one record of an object and scores what `frame` picks: the first frame, the middle one
    (number n // 2, counted from 0), or all. `record: frame` makes a record of each frame.

    The limits are checked before anything is decoded. `max_pixels` bounds rows x columns x channels of what is
    decoded at once: of one frame, or with `frame: all` of all frames together. Decoding takes up to about eight bytes
    a pixel. `max_bytes` bounds an object as stored, `max_inflated` what becomes of it where it is compressed as a
    whole (gzip, deflated DICOM, npz). A run that lies there goes on under smaller limits; what is committed stays.
    """

    collection: Literal["images"]
    uri: Location
    format: Literal["auto"] | ImageFormat = "auto"
    carry: tuple[str, ...] = ()
    record: Literal["image", "frame"] = "image"
    frame: Literal["first", "middle", "all"] = "first"
    record_id: str = "record_id"
    subject_id: str | None = None
    bytes_column: str | None = None
    roots: tuple[Location, ...] = ()
    glob: str | None = None
    max_pixels: int = Field(default=268_435_456, gt=0)
    max_bytes: int = Field(default=2 * GIB, gt=0)
    max_inflated: int = Field(default=GIB, gt=0)

    @model_validator(mode="after")
    def _frames_of_objects(self) -> ImagesInput:
        if self.record == "frame" and self.bytes_column is not None:
            raise ValueError("record: frame needs objects; images in a column of Parquet files are records as they are")
        return self

    @property
    def header_names(self) -> tuple[str, ...]:
        """The identifiers that decoding looks for: `carry`, and `subject_id` if it is not among them."""
        if self.subject_id is None or self.subject_id in self.carry:
            return self.carry
        return (*self.carry, self.subject_id)


ONLY_REFUSE = ("max_pixels", "max_bytes", "max_inflated")
"""Limits that decide nothing but which records are refused."""

INPUT = ImagesInput
"""What `input:` of a spec is checked against; every collection's `settings` module has one."""
