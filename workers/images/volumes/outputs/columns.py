"""From what a model marks and a spec asks for to output columns, and from a marked volume to their values."""

from collections.abc import Mapping
from typing import Any

from schemas.errors import SpecError
from schemas.loading import nearest
from schemas.outputs import OutputField
from workers.images.volumes.card import VolumeCard
from workers.images.volumes.outputs.marked import Marked, Origin
from workers.images.volumes.outputs.measures import MEASURES_TYPE, Measures, measures_of
from workers.images.volumes.outputs.nifti import nifti_of
from workers.images.volumes.outputs.preview import preview_of
from workers.images.volumes.outputs.rtstruct import rtstruct_of
from workers.images.volumes.outputs.seg import seg_of
from workers.images.volumes.outputs.settings import MaskKind, Wanted

_FILES: dict[MaskKind, tuple[str, str, str]] = {
    "nifti": ("mask_nifti", "object<nii.gz>", "what is marked, as NIfTI on the grid of the original"),
    "dicom_seg": ("mask_dicom_seg", "object<dcm>", "what is marked, as DICOM-SEG of the source slices; null: nothing"),
    "rtstruct": ("mask_rtstruct", "object<dcm>", "what is marked, as contours in a DICOM RTSTRUCT; null: nothing"),
    "preview": ("mask_preview", "object<png>", "three planes through the largest structure"),
}

_MEASURED: frozenset[MaskKind] = frozenset({"rtstruct", "preview"})
"""Files that are made with the measures at hand."""


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
    files = [_FILES[kind] for kind in dict.fromkeys(wanted.masks)]
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


def values_of(card: VolumeCard, wanted: Wanted, marked: Marked, origin: Origin) -> Mapping[str, Any]:
    """One value for each of `outputs_of`, by its name: a struct as a mapping, a file as its bytes.

    Raises RecordError: unsupported where a kind of file that is asked for cannot be made of this volume, too_large
    where its format has no room for it.
    """
    is_measured = wanted.measures or not _MEASURED.isdisjoint(wanted.masks)
    measures = measures_of(card.structures, marked) if is_measured else {}
    found: dict[str, Any] = dict(measures) if wanted.measures else {}
    for kind in dict.fromkeys(wanted.masks):
        found[_FILES[kind][0]] = _file(kind, card, wanted, marked, origin, measures)
    return found


def _file(
    kind: MaskKind,
    card: VolumeCard,
    wanted: Wanted,
    marked: Marked,
    origin: Origin,
    measures: Mapping[str, Measures],
) -> bytes | None:
    match kind:
        case "nifti":
            return nifti_of(card, marked, origin)
        case "dicom_seg":
            return seg_of(card, marked, origin, wanted.seg_type)
        case "rtstruct":
            return rtstruct_of(card, marked, origin, measures)
        case "preview":
            return preview_of(card, marked, measures)
