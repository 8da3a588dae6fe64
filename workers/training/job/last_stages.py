"""The two stages with which every training ends, for a room's module `stages`. Imports torch."""

from collections.abc import Callable, Sequence

from workers.pipeline.context import StageContext
from workers.training.job.fit_stage import FitStage
from workers.training.job.package_stage import PackageStage
from workers.training.job.recipes import Recipes
from workers.training.job.settings import TrainKeys

Fit = Callable[[StageContext], FitStage]
Package = Callable[[StageContext], PackageStage]


def last_stages(
    source: type[TrainKeys],
    recipes: Callable[[StageContext], Recipes],
    columns: Sequence[str] | Callable[[StageContext], Sequence[str]],
) -> tuple[Fit, Package]:
    """`fit` and `package`. `columns` are those of stage `prepare` that `recipes` make examples of."""

    def shown(context: StageContext) -> Sequence[str]:
        return columns(context) if callable(columns) else columns

    def fit(context: StageContext) -> FitStage:
        return FitStage(context, recipes(context), source.model_validate(context.run.spec.input), shown(context))

    def package(context: StageContext) -> PackageStage:
        return PackageStage(context, recipes(context), source.model_validate(context.run.spec.input), shown(context))

    return fit, package
