"""One volume as it passes from reading to scoring."""

from dataclasses import dataclass

from schemas.status import Fault
from workers.images.volumes.outputs.marked import DicomSource
from workers.images.volumes.volume import SCANNER, Space, Volume


@dataclass(frozen=True)
class VolumeInputs:
    """`original` is the volume as it was read, `prepared` what each distinct prepare list made of it, or why it could
    not. `source` are the DICOM objects of its slices, where it has such, `space` is that of a NIfTI."""

    original: Volume
    prepared: tuple[Volume | Fault, ...]
    source: DicomSource | None = None
    space: Space = SCANNER

    @property
    def nbytes(self) -> int:
        """Bytes of all voxels; what lists share is counted once."""
        volumes = [one for one in (self.original, *self.prepared) if isinstance(one, Volume)]
        return sum({id(one.voxels): one.voxels.nbytes for one in volumes}.values())
