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


_ALL_AROUND = 26


class Clean(Frozen):
    """One step that tidies what a model marked, before it is measured and written."""

    step: Literal["keep_largest", "fill_holes", "remove_small"] = Field(
        description="keep_largest: only the largest connected component; fill_holes: background that a structure "
        "encloses becomes the structure; remove_small: connected components below `ml`, or of fewer `voxels`, go"
    )
    structures: tuple[str, ...] = Field(default=(), description="to which structures it is done (default: all)")
    ml: float | None = Field(default=None, gt=0, description="of remove_small: millilitres")
    voxels: int | None = Field(default=None, ge=1, description="of remove_small, instead of ml: a number of voxels")
    neighbours: Literal[6, 18, 26] = Field(
        default=26,
        description="of remove_small: voxels that are connected to one: those that share a face, an edge too, or a "
        "corner too",
    )

    @model_validator(mode="after")
    def _size_where_it_counts(self) -> Self:
        sizes = (self.ml is not None) + (self.voxels is not None)
        if sizes != (self.step == "remove_small") or (self.step != "remove_small" and self.neighbours != _ALL_AROUND):
            raise ValueError("ml belongs to remove_small, which needs it or voxels; neighbours belongs to it too")
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
