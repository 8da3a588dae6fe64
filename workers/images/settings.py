"""What a spec says of collection `images`. Imports no decoder: the driver reads this too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from pydantic import Field, model_validator

from schemas.frozen import Frozen
from schemas.location import Location
from workers.images.series.selection_settings import Selection, SelectionRule
from workers.images.volumes.outputs.settings import OF_DICOM, Wanted

MIB = 1 << 20
GIB = 1 << 30

VolumeFormat = Literal["nifti", "nrrd", "metaimage"]
"""Files that are a volume each."""
ImageFormat = Literal["dicom", "png", "jpeg", "tiff", "npy", "npz", "bmp", "webp", "gif", "jpeg2000"] | VolumeFormat
VOLUME_FORMATS: frozenset[str] = frozenset(get_args(VolumeFormat))


class ImagesInput(Frozen):
    """`input:` of a spec over images.

    `uri` is a prefix of objects, or a Parquet/CSV table with a column `uri`; with `bytes_column` the images lie in
    that binary column of Parquet files. Archives (zip, tar, tar.gz) are the files in them, `a.zip!/x.dcm`, under a
    prefix, in a table, and as `uri`. `record_id` and `subject_id` name columns of the table; without a table
    `subject_id` may be a DICOM keyword. `roots` are the prefixes that uris of a table may point to; none given: the
    directory of the table. `glob` filters keys relative to the prefix.

    Columns of a CSV table are text as it is written (`007` stays `007`), but for `size` and `member`; only an empty
    field without quotes is null. Columns of Parquet keep their type.

    `uri: dicomweb+https://host/path` is a DICOMweb service: its instances are the objects, and `query` says which, by
    attributes of studies, series and instances.

    `format: auto` goes by content, never by name. `carry` names columns of the table or, for DICOM, attributes: by
    keyword (`PatientID`) or as eight hex digits (`00100020`).

    `record: image` makes one record of an object and scores what `frame` picks: the first frame, the middle one
    (number n // 2, counted from 0), or all. `record: frame` makes a record of each frame. `record: series` makes a
    record of each volume: of the slices of a DICOM series, wherever they lie, or of a NIfTI, NRRD or MetaImage file.

    The limits are checked before anything is decoded. `max_pixels` bounds rows x columns x channels of what is
    decoded at once: of one frame, or with `frame: all` of all frames together. Decoding takes up to about eight bytes
    a pixel. `max_bytes` bounds an object as stored, `max_inflated` what becomes of it where it is compressed as a
    whole (gzip, deflated DICOM, npz, a member of a zip; a tar.gz altogether). A run that lies there goes on under
    smaller limits; what is committed stays.
    """

    collection: Literal["images"] = Field(description="images: pictures and DICOM objects")
    uri: Location = Field(
        description="a prefix of objects, a table (Parquet, CSV) with a column uri, an archive, or a DICOMweb service"
    )
    format: Literal["auto"] | ImageFormat = Field(
        default="auto", description="what the objects are; auto goes by their content, never by their name"
    )
    carry: tuple[str, ...] = Field(
        default=(),
        description="columns of the table, or DICOM attributes by keyword or eight hex digits, that come "
        "along to the output",
    )
    record: Literal["image", "frame", "series", "study"] = Field(
        default="image",
        description="what a record is: an object, each of its frames, a volume (of a DICOM series, or a file of three "
        "axes), or the volume of a study that `select` picks",
    )
    frame: Literal["first", "middle", "all"] = Field(
        default="first",
        description="which frames of an object a record of record: image is scored by; the middle one is "
        "number n // 2 from 0",
    )
    record_id: str = Field(
        default="record_id",
        description="column of the table that holds the ids; a column of this name need not be there",
    )
    subject_id: str | None = Field(
        default=None, description="column of the table, or DICOM keyword, that says whose image it is"
    )
    bytes_column: str | None = Field(
        default=None, description="binary column of Parquet files in which the images themselves lie"
    )
    roots: tuple[Location, ...] = Field(
        default=(), description="prefixes that uris of the table may point to; by default the directory of the table"
    )
    glob: str | None = Field(
        default=None,
        description="pattern that keys relative to the prefix must match, such as **/*.dcm or *.zip!/*.dcm",
    )
    query: Mapping[str, str | int | tuple[str | int, ...]] = Field(
        default={},
        description="of a DICOMweb service: what its instances match, by DICOM keyword: a value, one with * and ?, of "
        "dates and times a range (20240101-20240331), or a list of values of which one has to match",
    )
    max_pixels: int = Field(
        default=268_435_456, gt=0, description="rows x columns x channels decoded at once; more is too_large"
    )
    max_bytes: int = Field(default=2 * GIB, gt=0, description="bytes of an object as stored; more is too_large")
    max_inflated: int = Field(
        default=GIB,
        gt=0,
        description="bytes that a compressed object (gzip, deflated DICOM, npz, member of a zip, whole tar.gz) may "
        "become; more is too_large",
    )

    select: Selection | None = Field(
        default=None,
        description="of record: series and study: which volumes of each study are scored; by default all, and of "
        "record: study the one with the most slices",
    )
    segmentation: Wanted = Field(
        default=Wanted(), description="of record: series and study: what is written of what a model marks"
    )

    @model_validator(mode="after")
    def _parts_of_objects(self) -> ImagesInput:
        if self.record != "image" and self.bytes_column is not None:
            raise ValueError(
                f"record: {self.record} needs objects; images in a column of Parquet files are records as they are"
            )
        self._of_a_service()
        if self.select is not None and not self.has_volumes:
            raise ValueError("select is of volumes: add record: series or record: study")
        if self.segmentation != Wanted() and not self.has_volumes:
            raise ValueError("segmentation is of volumes: add record: series")
        if self.format in VOLUME_FORMATS and not self.has_volumes:
            raise ValueError(f"format: {self.format} is of volumes: add record: series")
        without = [kind for kind in self.segmentation.masks if kind in OF_DICOM]
        if self.format in VOLUME_FORMATS and without:
            raise ValueError(
                f"segmentation.masks has {without[0]}, which refers to the DICOM objects that a volume was read from, "
                f"and format: {self.format} has none: leave it out, or ask for nifti"
            )
        return self

    def _of_a_service(self) -> None:
        if self.query and not self.is_service:
            raise ValueError("query is of a DICOMweb service: uri has to read dicomweb+https://host/path")
        if not self.is_service:
            return
        for name, given in (("glob", self.glob), ("bytes_column", self.bytes_column), ("roots", self.roots)):
            if given:
                raise ValueError(f"{name} is not of a DICOMweb service: say by query what is wanted of it")
        if self.format not in ("auto", "dicom"):
            raise ValueError(f"format: {self.format} is not what a DICOMweb service has: leave it out")

    @property
    def is_service(self) -> bool:
        """Whether the records are instances of a DICOMweb service."""
        return self.uri.lower().startswith(("dicomweb+https://", "dicomweb+http://"))

    @property
    def selection(self) -> Selection | None:
        """Which volumes are scored; None: all that can be read."""
        if self.record == "study" and self.select is None:
            return Selection(rules=(SelectionRule(name="any"),))
        return self.select

    @property
    def has_volumes(self) -> bool:
        """Whether a record is a volume, which a model sees in three axes."""
        return self.record in ("series", "study")

    @property
    def header_names(self) -> tuple[str, ...]:
        """The identifiers that decoding looks for: `carry`, and `subject_id` if it is not among them."""
        if self.subject_id is None or self.subject_id in self.carry:
            return self.carry
        return (*self.carry, self.subject_id)


OF_VOLUMES = ("segmentation", "select")
"""Settings that decide nothing where records are images."""

ONLY_REFUSE = ("max_pixels", "max_bytes", "max_inflated")
"""Limits that decide nothing but which records are refused."""

INPUT = ImagesInput
"""What `input:` of a spec is checked against; every collection's `settings` module has one."""
