"""By what the points of a search are held against each other: all by one figure that means the same for each."""

from schemas.errors import SpecError
from workers.training.job.search import points_of, said, source_at
from workers.training.job.settings import TrainKeys
from workers.training.losses import kind_of
from workers.training.metric import metric_of, without_losses


def check_one_measure(source: TrainKeys) -> None:
    """Raises SpecError for a search whose points differ in `fit.metric`, or in `fit.loss` where that is what they are
    judged by: the smallest of unlike losses, such as a focal one, is no better fit."""
    points = points_of(source)
    first = _measure(source_at(source, points[0]))
    other = next((point for point in points if _measure(source_at(source, point)) != first), None)
    if other is None:
        return
    is_known = first[0] == _measure(source_at(source, other))[0]
    what = "fit.loss, which is what fit.metric measures" if is_known else "fit.metric"
    raise SpecError(
        f"input.search: {said(points[0])} and {said(other)} have another {what}, so that neither could be called "
        f"better: set one fit.metric for all of them, such as {' or '.join(without_losses(source.output_task))}"
    )


def _measure(source: TrainKeys) -> tuple[object, ...]:
    task, fit = source.output_task, source.fit
    metric = metric_of(task, fit.metric)
    loss = fit.loss.model_dump(exclude={"kind"})
    return (metric, kind_of(task, fit.loss), *loss.values()) if metric == "loss" else (metric,)
