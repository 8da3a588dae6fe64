"""Where in a volume a patch lies."""

import numpy as np

from workers.images.volumes.augment.augmentation import Patch
from workers.images.volumes.training.shown import ShownVolume
from workers.images.volumes.volume import Shape3


def drawn(volume: ShownVolume, size: Shape3, foreground: float, chance: np.random.Generator) -> Patch:
    """A patch within the volume: in this share of the cases as near about a voxel of a structure as it can lie, each
    structure as often as the others; else anywhere. A volume that is smaller lies in its middle."""
    about = None
    if chance.random() < foreground and len(volume.places):
        number = chance.choice(np.unique(volume.places[:, 0]))
        about = chance.choice(volume.places[volume.places[:, 0] == number])[1:]
    starts = []
    for axis, (side, there) in enumerate(zip(size, volume.sides, strict=True)):
        room = there - side
        if room <= 0:
            starts.append(room // 2)
        elif about is None:
            starts.append(int(chance.integers(room + 1)))
        else:
            starts.append(min(max(int(about[axis]) - side // 2, 0), room))
    one, other, last = (start + (side - 1) / 2 for start, side in zip(starts, size, strict=True))
    return Patch((one, other, last), size)
