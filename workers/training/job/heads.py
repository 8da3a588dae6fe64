"""What the outputs of a training are as the head of a network: an activation, and a label a logit. Imports no torch."""

from schemas.errors import SpecError
from workers.models.head import Activation, Head, score_fields
from workers.training.job.settings import TrainKeys
from workers.training.settings import Task

OUTSIDE, BACKGROUND = "O", "background"

_ACTIVATIONS: dict[Task, Activation] = {
    "binary": "sigmoid",
    "classes": "softmax",
    "ordinal": "sigmoid",
    "number": "none",
    "segmentation": "softmax",
}


def head_of(source: TrainKeys) -> Head:
    """The head; an ordinal output has a label a boundary, the probability of a class above it; spans have one for
    tokens outside of them and two a class, for the first token of a span and for others; a segmentation has background
    first.

    Raises SpecError where two labels would give one column.
    """
    head = Head(activation=_ACTIVATIONS[source.output_task], labels=_labels(source))
    if source.has_prepared_truths:
        return head
    try:
        score_fields(head)
    except SpecError as error:
        raise SpecError(f"input.outputs: {error}") from None
    return head


def _labels(source: TrainKeys) -> tuple[str, ...]:
    ((name, output), *more) = source.outputs.items()
    if output.task == "spans":
        return (OUTSIDE, *(f"{begin}-{value}" for value in output.classes for begin in "BI"))
    if output.task == "segmentation":
        return (BACKGROUND, *output.structures)
    if output.task == "classes":
        return tuple(str(value) for value in output.classes)
    if output.task == "ordinal":
        return tuple(f"{name} above {value}" for value in output.classes[:-1])
    return (name, *(other for other, _ in more))
