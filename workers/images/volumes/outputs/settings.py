"""What a spec can ask for of a segmented volume."""

from typing import Literal, NamedTuple, Self

from pydantic import Field, model_validator

from schemas.frozen import Frozen

MaskKind = Literal["nifti", "dicom_seg", "rtstruct", "preview"]
SegType = Literal["labelmap", "binary"]


class FileColumn(NamedTuple):
    """A column of files: its name, its type and what it means."""

    column: str
    type: str
    meaning: str


FILES: dict[MaskKind, FileColumn] = {
    "nifti": FileColumn(
        "mask_nifti", "object<nii.gz>", "what is marked, as NIfTI on the grid of the original; null: why in detail"
    ),
    "dicom_seg": FileColumn(
        "mask_dicom_seg",
        "object<dcm>",
        "what is marked, as DICOM-SEG of the source slices; null: nothing, or why in detail",
    ),
    "rtstruct": FileColumn(
        "mask_rtstruct",
        "object<dcm>",
        "what is marked, as contours in a DICOM RTSTRUCT; null: nothing, or why in detail",
    ),
    "preview": FileColumn("mask_preview", "object<png>", "three planes through the largest structure"),
}


OF_DICOM: frozenset[MaskKind] = frozenset({"dicom_seg", "rtstruct"})
"""Files that refer to the DICOM objects that a volume was read from."""


class Clean(Frozen):
    """One step that tidies what a model marked, before it is measured and written."""

    step: Literal["keep_largest", "fill_holes", "remove_small"] = Field(
        description="keep_largest: only the largest connected component; fill_holes: background that a structure "
        "encloses becomes the structure; remove_small: connected components below `ml` go"
    )
    structures: tuple[str, ...] = Field(default=(), description="to which structures it is done (default: all)")
    ml: float | None = Field(default=None, gt=0, description="of remove_small: millilitres")

    @model_validator(mode="after")
    def _ml_where_it_counts(self) -> Self:
        if (self.step == "remove_small") != (self.ml is not None):
            raise ValueError("ml belongs to remove_small, which needs it")
        return self


class Wanted(Frozen):
    """What is written of what a model marked in a volume."""

    measures: bool = Field(default=True, description="a column a structure with its volume, intensities and place")
    masks: tuple[MaskKind, ...] = Field(
        default=(),
        description="files beside the rows: nifti, a label map on the grid of the original; dicom_seg; rtstruct, "
        "contours slice by slice; preview, a PNG of three planes",
    )
    seg_type: SegType = Field(
        default="binary",
        description="of dicom_seg: binary, a bit and a frame for each structure, which every viewer reads; labelmap "
        "(2024), one frame for all, smaller, and not of structures that overlap",
    )
    clean: tuple[Clean, ...] = Field(default=(), description="what is tidied first, step by step")
