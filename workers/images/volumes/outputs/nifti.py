"""What is marked as NIfTI-1, on the grid of the original.

Format: https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h. A label map is (i, j, k); structures that may overlap
are (i, j, k, structure) of 0 and 1, in the order of the model's structures, as MONAI writes channels. The names stand
in a header extension of the kind "comment" (6): JSON of model, run, and for each label, or place along the last axis,
the structure's name and code.
"""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import nibabel as nib
import numpy as np

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Array
from workers.images.volumes.card import VolumeCard
from workers.images.volumes.outputs.compressed import gzipped
from workers.images.volumes.outputs.marked import Marked, Origin
from workers.images.volumes.volume import Affine4, Grid, Space

_COMMENT = 6
_PIECE = 2**22
_LONGEST = 32_767
"""Lengths are 16-bit numbers in the header."""
_UNITS = {1.0: "mm", 1000.0: "meter", 0.001: "micron"}
_WITHIN = 1e-3
"""By how much of a voxel the last voxel may lie elsewhere by qform than by sform."""


def nifti_of(card: VolumeCard, marked: Marked, origin: Origin) -> bytes:
    """The whole `.nii.gz`. Raises RecordError (too_large) for a volume that is longer than NIfTI-1 can say."""
    if max(marked.grid.shape) > _LONGEST:
        raise RecordError(Status.TOO_LARGE, f"an axis of more than {_LONGEST} voxels does not fit a NIfTI-1 header")
    highest = max(one.label for one in card.structures)
    kind = np.dtype("<u1" if marked.labels is None or highest < 256 else "<u2")
    maps = [marked.masks[one.name] for one in card.structures] if marked.labels is None else [marked.labels]
    shape = marked.grid.shape if marked.labels is not None else (*marked.grid.shape, len(maps))
    return gzipped(_pieces(_header(shape, kind, _in_unit(marked.grid, origin.space), card, origin), maps, kind))


def _pieces(header: bytes, maps: list[Array], kind: "np.dtype[Any]") -> Iterator[bytes]:
    yield header
    for one in maps:
        thick = max(1, _PIECE * one.shape[2] // max(one.size, 1))
        for start in range(0, one.shape[2], thick):
            yield one[:, :, start : start + thick].astype(kind, copy=False).tobytes("F")


def _header(shape: tuple[int, ...], kind: "np.dtype[Any]", grid: Grid, card: VolumeCard, origin: Origin) -> bytes:
    header = nib.Nifti1Header(endianness="<")
    header.set_data_dtype(kind)
    header.set_data_shape(shape)
    header.set_xyzt_units(_UNITS[origin.space.unit_mm])
    header["pixdim"][1:4] = grid.spacing
    header.set_slope_inter(1, 0)
    header.set_sform(grid.affine, origin.space.code)
    header.set_qform(grid.affine, origin.space.code, strip_shears=True)
    if _apart(header.get_qform(), grid) > _WITHIN:
        # A quaternion cannot say a shear. Whoever reads only qform is to refuse, not to misplace.
        header.set_qform(None, 0)
        header["pixdim"][1:4] = grid.spacing
    header.set_intent("label" if len(shape) == 3 else "none", name="structures")
    header["descrip"] = b"wardround"
    header.extensions.append(nib.nifti1.Nifti1Extension(_COMMENT, _named(card, origin)))
    body = io.BytesIO()
    header.write_to(body)
    return body.getvalue()


def _in_unit(grid: Grid, space: Space) -> Grid:
    """As the source says it: viewers that pass over units would lay a mask in another one beside it."""
    return replace(grid, affine=np.diag([1 / space.unit_mm] * 3 + [1.0]) @ grid.affine)


def _apart(qform: Affine4, grid: Grid) -> float:
    """How far the corners lie from each other, in voxels."""
    corners = np.array([[i, j, k, 1.0] for i in (0, 1) for j in (0, 1) for k in (0, 1)]) * (*grid.shape, 1.0)
    far = (corners @ (qform - grid.affine).T)[:, :3]
    return float(np.linalg.norm(far, axis=1).max() / min(grid.spacing))


def _named(card: VolumeCard, origin: Origin) -> bytes:
    overlap = card.activation == "sigmoid"
    labels = {
        str(place if overlap else one.label): {
            "name": one.name,
            **({"code": one.code.model_dump()} if one.code else {}),
        }
        for place, one in enumerate(card.structures)
    }
    said = {
        "wardround": 1,
        "model": origin.model,
        "model_sha256": origin.model_sha256,
        "run": origin.fingerprint,
        "values": "volumes along the last axis" if overlap else "labels",
        "structures": labels,
    }
    return json.dumps(said, ensure_ascii=True, sort_keys=True).encode("ascii")
