"""What a spec says of a training over molecules. Imports nothing heavy: the driver reads this too."""

from pydantic import Field

from workers.molecules.formats.fingerprint import Fingerprint
from workers.molecules.settings import MoleculesInput
from workers.training.job.settings import TrainKeys


class MoleculesTraining(TrainKeys, MoleculesInput):
    """`input:` of a training over molecules: that of predict, and what is learned from it."""

    fingerprint: Fingerprint = Field(default=Fingerprint(), description="what the network is shown of a molecule")


INPUT = MoleculesTraining
"""What `input:` of a spec is checked against."""
