"""Several networks as one model: the mean of their scores."""

from collections.abc import Hashable, Mapping, Sequence

from workers.contract import Array
from workers.images.formats.classifier import TorchClassifier
from workers.models.ensemble import mean_of


class Mean:
    """Implements `workers.contract.Model`. Members have the same outputs, and take the same images."""

    layouts = TorchClassifier.layouts

    def __init__(self, members: Sequence[TorchClassifier]) -> None:
        self._members = tuple(members)
        self.outputs = members[0].outputs

    @property
    def channels_last(self) -> bool:
        """The layout that all run in."""
        return self._members[0].channels_last

    def configure(self, channels_last: bool) -> None:
        """Lay weights and batches out with the channels last, or not."""
        for member in self._members:
            member.configure(channels_last)

    def batch_key(self, array: Array) -> Hashable:
        """Shape and type: only equal ones stack."""
        return self._members[0].batch_key(array)

    def bytes_needed(self, array: Array) -> int:
        """They run one after the other."""
        return max(member.bytes_needed(array) for member in self._members)

    def forward(self, batch: Sequence[Array]) -> Mapping[str, Array]:
        """Scores by column, (N,) float32 each: the mean of float32 scores, taken in float64."""
        scores = [member.forward(batch) for member in self._members]
        return {field.name: mean_of([one[field.name] for one in scores]) for field in self.outputs}
