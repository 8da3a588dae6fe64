"""Where heads lie that others packaged: Colin27 in Debian's `mricron-data`, maps of MNI152 in Python's `nilearn`.

`make oracles` fetches both.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import nibabel
import numpy as np
import pytest

from tests.support.debian import MRICRON, place_of

_ORACLES = Path(__file__).resolve().parents[2] / ".venv-oracles"
_MAPS = "lib/python*/site-packages/nilearn/datasets/data/mni_icbm152_gm_tal_nlin_sym_09a_converted.nii.gz"


@cache
def colin() -> Path | None:
    """Folder of `ch2.nii.gz`: the mean of 27 T1 scans of one man (Holmes et al. 1998), 1 mm, laid over MNI152."""
    roots = (Path("/"), place_of(MRICRON, _ORACLES / "debian"))
    return next((root / MRICRON.place for root in roots if (root / MRICRON.place).exists()), None)


@cache
def mni152() -> Path | None:
    """Grey matter (255 is all of a voxel) of MNI152 2009a symmetric, 1 mm; the map of white matter lies beside it."""
    return next(iter(sorted(_ORACLES.glob(_MAPS))), None)


needs_heads = pytest.mark.skipif(
    colin() is None or mni152() is None,
    reason="Colin27 and MNI152 are not here: `make oracles` fetches mricron-data and nilearn",
)
"""Mark of a test, or of a module as `pytestmark`."""


def read_colin(name: str = "ch2") -> nibabel.Nifti1Image:
    """`ch2`: the head. `ch2bet`, and at 0.5 mm `ch2better`: the same without what is not brain, which is 0."""
    found = colin()
    assert found is not None, "mricron-data is not here: `make oracles` fetches it"
    return nibabel.load(found.with_name(f"{name}.nii.gz"))


def read_maps() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shares of grey and of white matter in each voxel, float32 (i, j, k), and the affine."""
    found = mni152()
    assert found is not None, "nilearn is not here: `make oracles` fetches it"
    grey, white = nibabel.load(found), nibabel.load(found.with_name(found.name.replace("_gm_", "_wm_")))
    shares = [np.asanyarray(image.dataobj).astype(np.float32) / 255 for image in (grey, white)]
    return shares[0], shares[1], grey.affine
