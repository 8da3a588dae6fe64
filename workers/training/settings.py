"""How a network is fitted. Imports no torch."""

from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.frozen import Frozen
from schemas.units import Share

Task = Literal["binary", "classes", "ordinal", "number", "segmentation"]
"""`binary`: each output on its own, 0 or 1, NaN where it is not known. `classes`: one column, the class from 0 on, one
logit a class. `ordinal`: the same with an order, one logit a boundary between neighbours. `number`: any.
`segmentation`: a class a voxel, which examples have themselves; one logit a class, background first."""

Metric = Literal["auto", "loss", "auroc", "accuracy", "kappa", "mae", "dice"]


class LossSettings(Frozen):
    """What is made small."""

    kind: Literal["likelihood", "focal", "squared", "huber", "dice", "dice_likelihood"] | None = Field(
        default=None,
        description="likelihood: cross-entropy, and by outputs or boundaries where they are binary or ordinal; focal: "
        "the same, less where the network is right already; squared or huber for numbers; dice, or dice_likelihood, "
        "which adds cross-entropy, for segmentation; by default that of the task",
    )
    gamma: float = Field(default=2.0, ge=0, le=10, description="of focal: how much less")
    smoothing: float = Field(default=0.0, ge=0, lt=1, description="share of the truth that is spread over all answers")
    delta: float = Field(default=1.0, gt=0, description="of huber: from which error on it grows in a line")


class EarlyStopping(Frozen):
    """When more epochs would not help."""

    patience: int = Field(default=10, ge=1, le=10_000, description="epochs in a row without a better tuning metric")
    least: float = Field(default=0.0, ge=0, description="by how much it has to be better")


class FitSettings(Frozen):
    """How weights are found."""

    epochs: int = Field(default=30, ge=1, le=100_000, description="how often every training example is shown at most")
    batch: int = Field(default=32, ge=2, le=1_000_000, description="examples a step, over all workers")
    accumulate: int = Field(default=1, ge=1, le=10_000, description="parts in which the gradient of a step is found")
    learning_rate: float = Field(default=1e-3, gt=0, le=10, description="the highest of the schedule")
    weight_decay: float = Field(default=1e-2, ge=0, le=10, description="of AdamW, on matrices and kernels only")
    schedule: Literal["cosine", "constant"] = Field(default="cosine", description="of the learning rate, after warm-up")
    warmup: Share = Field(default=0.05, ge=0, lt=1, description="share of all steps in which the rate grows from 0")
    clip: float | None = Field(default=1.0, gt=0, description="the longest gradient; null: as it is")
    loss: LossSettings = Field(default=LossSettings(), description="what is made small")
    balance: Literal["none", "weights", "sampling"] = Field(
        default="none", description="rare answers count more, or are shown more often, so that all have the same share"
    )
    average: float | None = Field(
        default=None, gt=0, lt=1, description="moving average of the weights, such as 0.99 a step, which is then scored"
    )
    metric: Metric = Field(default="auto", description="of the tuning rows, by which an epoch is chosen")
    keep: Literal["best", "last"] = Field(
        default="best", description="the epoch that becomes the model: the best by the metric, or the last"
    )
    early_stopping: EarlyStopping | None = Field(default=None, description="when more epochs would not help")
    precision: Literal["float32", "bfloat16", "float16"] = Field(
        default="float32", description="of most of the arithmetic of a fit; weights and sums stay float32"
    )

    @model_validator(mode="after")
    def _parts_of_a_batch(self) -> Self:
        if self.accumulate > self.batch:
            raise ValueError(f"accumulate ({self.accumulate}) is more than batch ({self.batch})")
        return self

    @model_validator(mode="after")
    def _stops_at_what_it_keeps(self) -> Self:
        if self.keep == "last" and self.early_stopping is not None:
            raise ValueError("early_stopping goes back to the best epoch, and keep is last: leave one of them out")
        return self
