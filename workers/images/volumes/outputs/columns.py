"""The columns that a spec gets of what a model marks in volumes. Planning asks this: nothing here writes files."""

from schemas.errors import SpecError
from schemas.loading import nearest
from schemas.outputs import OutputField
from workers.images.volumes.card import VolumeCard
from workers.images.volumes.outputs.settings import FILES, Wanted

MEASURES_TYPE = (
    "struct<voxels: int64, volume_ml: float64, mean: float64, sd: float64, "
    "i_first: int32, i_last: int32, j_first: int32, j_last: int32, k_first: int32, k_last: int32, "
    "x_mm: float64, y_mm: float64, z_mm: float64, components: int32, largest_share: float64, cut_off: bool>"
)
"""A structure's column. `voxels` is 0 and all else null where there is none of it. `mean` and `sd` (of the population)
are of the original intensities, null where one of them is not finite. The bounding box is the first and the last voxel
along i, j and k. The centroid is in DICOM's patient coordinates: millimetres to the left, to the back and up (LPS).
Components are connected by faces, edges and corners (26 neighbours). `cut_off`: a voxel lies at the border of the
volume, beyond which the structure may go on."""


def outputs_of(card: VolumeCard, wanted: Wanted) -> tuple[OutputField, ...]:
    """The columns of a segmentation: one a structure, named after it, then one a file that is asked for.

    Raises SpecError for a model that marks nothing, for a structure that the spec names and the model has not, for a
    kind of file that cannot hold what the model marks, and where a structure has the name of another column.
    """
    if card.task != "segmentation":
        raise SpecError("masks and measures are of models that mark structures: this one is a classification")
    _check(card, wanted)
    names = [one.name for one in card.structures]
    measured = [_measures(name) for name in names] if wanted.measures else []
    files = [FILES[kind] for kind in dict.fromkeys(wanted.masks)]
    taken = sorted({name for name, _, _ in files} & set(names))
    if taken:
        raise SpecError(f"structure {taken[0]!r} has the name of a column of masks: rename it in the model directory")
    return (
        *measured,
        *(OutputField(name=a, type=b, meaning=c, over_frames="first", may_be_null=True) for a, b, c in files),
    )


def _measures(name: str) -> OutputField:
    meaning = f"size, intensities and place of {name}; see docs/masks.md"
    return OutputField(name=name, type=MEASURES_TYPE, meaning=meaning, over_frames="first")


def _check(card: VolumeCard, wanted: Wanted) -> None:
    names = [one.name for one in card.structures]
    for step in wanted.clean:
        for name in step.structures:
            if name not in names:
                raise SpecError(
                    f"clean names {name!r}, which is no structure of the model{nearest(name, names) or '.'} "
                    f"It has {', '.join(names)}"
                )
    if "dicom_seg" in wanted.masks and wanted.seg_type == "labelmap" and card.activation == "sigmoid":
        raise SpecError("structures of this model may overlap, which a labelmap cannot hold: choose seg_type: binary")
