"""Pass prepared images to every model, each after a look at whether it was made for such values."""

from collections.abc import Mapping

from schemas.status import Status
from workers.images.value_contract import ValueContract
from workers.pipeline.reading import Prepared
from workers.pipeline.runner import ModelRunner
from workers.pipeline.scoring import ArrayScoring


class ImageScoring(ArrayScoring):
    """As `ArrayScoring`, of inputs that are `workers.images.prepare.plan.Ready`.

    An image that one model was not made for is `out_of_contract` in its columns, and is scored by the others.
    """

    def __init__(
        self,
        runners: Mapping[str, ModelRunner],
        prepare_of: Mapping[str, int],
        contracts: Mapping[str, ValueContract],
        device: str = "cpu",
    ) -> None:
        super().__init__(runners, prepare_of, device)
        self.contracts = dict(contracts)

    def _take_one(self, record: Prepared, name: str) -> None:
        runner, frames = self.runners[name], record.inputs[self.prepare_of[name]]
        contract = self.contracts[name]
        # Frames of one object may differ: each has a rescale of its own.
        problem = next(filter(None, (contract.problem(ready.value_range) for ready in frames)), "")
        if problem:
            runner.reject(record.row, Status.OUT_OF_CONTRACT, problem)
            return
        for frame, ready in enumerate(frames):
            runner.add((record.row, frame), ready.pixels)
