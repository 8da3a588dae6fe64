"""`n4`: the bias field of MR taken out."""

import dataclasses
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from workers.contract import Array
from workers.images.prepare.libraries import simpleitk
from workers.images.volumes.prepare.base import VolumeStep
from workers.images.volumes.prepare.intensity import float_copy
from workers.images.volumes.volume import Volume


class N4(VolumeStep):
    """SimpleITK `N4BiasFieldCorrection` of each channel: the field is told on a copy shrunk by `shrink`, and the volume
    divided by it in full.

    `mask`: otsu (`OtsuThreshold(image, 0, 1, 200)`), above_zero, or none. Result float32. Peak: some 20 bytes a voxel.
    Rejects NaN, infinities, and a volume without a mask, or smaller than the spline's grid once it is shrunk.
    """

    name: ClassVar[str] = "n4"

    shrink: Annotated[int, Field(ge=1, le=16)] = Field(default=4, description="by which factor the copy is shrunk")
    iterations: tuple[Annotated[int, Field(ge=1, le=1000)], ...] = Field(
        default=(50, 50, 50, 50), min_length=1, max_length=8, description="at most so many on each level"
    )
    tolerance: float = Field(default=0.001, gt=0, description="change of the field at which a level is done")
    mask: Literal["otsu", "above_zero", "none"] = Field(default="otsu", description="which voxels tell the field")

    def apply(self, volume: Volume, device: str) -> Volume:
        self.require_finite(volume.voxels)
        voxels = np.ascontiguousarray(float_copy(volume.voxels))
        for channel in voxels:
            channel /= self._field(channel, volume.grid.spacing)
        return dataclasses.replace(volume, voxels=voxels)

    def _field(self, channel: Array, spacing: tuple[float, float, float]) -> Array:
        sitk = simpleitk()
        image = sitk.GetImageFromArray(channel)
        image.SetSpacing(spacing[::-1])
        mask = self._masked(sitk, image)
        shrunk = sitk.Shrink(image, [self.shrink] * 3)
        corrector = sitk.N4BiasFieldCorrectionImageFilter()
        corrector.SetMaximumNumberOfIterations(self.iterations)
        corrector.SetConvergenceThreshold(self.tolerance)
        try:
            if mask is None:
                corrector.Execute(shrunk)
            else:
                corrector.Execute(shrunk, sitk.Shrink(mask, [self.shrink] * 3))
            field = sitk.Exp(corrector.GetLogBiasFieldAsImage(image))
        except RuntimeError:
            raise self.reject("no bias field can be told from this volume: it is too small or too flat") from None
        # A copy: a view would not keep the image alive.
        return np.asarray(sitk.GetArrayFromImage(field))

    def _masked(self, sitk: Any, image: Any) -> Any:
        if self.mask == "none":
            return None
        mask = sitk.OtsuThreshold(image, 0, 1, 200) if self.mask == "otsu" else image > 0
        if not np.any(sitk.GetArrayViewFromImage(mask)):
            raise self.reject("the mask is empty: no voxel tells the bias field")
        return mask
