"""From what a model marked in a volume to the values of its columns."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from schemas.errors import RecordError
from workers.images.volumes.card import VolumeCard
from workers.images.volumes.outputs.clean import cleaned
from workers.images.volumes.outputs.marked import Marked, Origin
from workers.images.volumes.outputs.measures import Measures, measures_of
from workers.images.volumes.outputs.nifti import nifti_of
from workers.images.volumes.outputs.preview import preview_of
from workers.images.volumes.outputs.rtstruct import rtstruct_of
from workers.images.volumes.outputs.seg import seg_of
from workers.images.volumes.outputs.settings import FILES, MaskKind, Wanted

_MEASURED: frozenset[MaskKind] = frozenset({"rtstruct", "preview"})
"""Files that are made with the measures at hand."""


class Written(NamedTuple):
    """One value for each of `columns.outputs_of`, by its name: a struct as a mapping, a file as its bytes. `remarks`
    say which files are not there, though something may be marked, and why."""

    values: Mapping[str, Any]
    remarks: tuple[str, ...] = ()


def values_of(card: VolumeCard, wanted: Wanted, marked: Marked, origin: Origin) -> Written:
    """What is written of a volume. A kind of file that cannot be made of it is null, which a remark says.

    Raises RecordError where nothing at all is left to write: unsupported where no kind of file that is asked for can
    be made of this volume, too_large where its format has no room for it.
    """
    marked = cleaned(card.structures, marked, (*card.clean, *wanted.clean))
    is_measured = wanted.measures or not _MEASURED.isdisjoint(wanted.masks)
    measures = measures_of(card.structures, marked) if is_measured else {}
    found: dict[str, Any] = dict(measures) if wanted.measures else {}
    faults: dict[str, RecordError] = {}
    for kind in dict.fromkeys(wanted.masks):
        column = FILES[kind].column
        try:
            found[column] = _file(kind, card, wanted, marked, origin, measures)
        except RecordError as error:
            found[column], faults[column] = None, error
    if faults and len(faults) == len(found):
        raise next(iter(faults.values()))
    return Written(found, tuple(f"no {column}: {error.detail}" for column, error in faults.items()))


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
