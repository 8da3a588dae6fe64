"""What a spec says of a training beside its input. Imports nothing heavy: the driver reads this too."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import Field, model_validator

from schemas.frozen import Frozen
from schemas.location import Location
from schemas.units import Share
from workers import registry
from workers.labels.settings import (
    Labels,
    LabelValues,
    Name,
    Value,
    Values,
    label_values,
    refuse_both_sides,
    several,
)
from workers.training.settings import FitSettings, Task

PARTS = ("train", "tuning", "held_out")
OF_LABELLED = frozenset(("record_id", "subject_id", "split", "fold", "state"))
"""Columns of `labelled.parquet` beside the truths."""


class Output(Frozen):
    """What the network learns to tell."""

    task: Task | Literal["spans"] = Field(
        default="binary",
        description="what kind of truth it is; spans: pieces of a text, which `input.spans` has; segmentation: a label "
        "map a volume",
    )
    truth: str = Field(
        default="",
        description="column of the labels, or a carried column, with what is true, of segmentation with the uri of "
        "the label map; default: its own name, of segmentation `uri`",
    )
    positive: Values = Field(default=1, description="values of `truth` that are positive (binary)")
    negative: Values | None = Field(
        default=None, description="values of `truth` that are negative; others are then unknown. Default: all others"
    )
    classes: tuple[Value, ...] = Field(
        default=(),
        description="values of `truth`, one a class; of ordinal outputs from the lowest grade on; labels of spans",
    )
    structures: Mapping[Name, LabelValues] = Field(
        default_factory=dict,
        description="of segmentation: what is marked, by name, with its value in the label maps, or several values "
        "that are learned as one; values that no structure has are background",
    )
    ignored: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        default=(), description="of segmentation: values of voxels of which nothing is known; they count nothing"
    )

    @model_validator(mode="after")
    def _fits_its_task(self) -> Self:
        if self.task != "binary" and {"positive", "negative"} & self.model_fields_set:
            raise ValueError(f"positive and negative are for binary outputs; the task of this one is {self.task}")
        refuse_both_sides(self.positive, self.negative)
        if (self.task in ("classes", "ordinal", "spans")) != bool(self.classes):
            raise ValueError(
                f"outputs of classes, ordinal ones and spans need `classes`, others have none; the task is {self.task}"
            )
        if (self.task == "segmentation") != bool(self.structures) or (self.ignored and not self.structures):
            raise ValueError(f"outputs of segmentation need `structures`, others have none; the task is {self.task}")
        least = 1 if self.task == "spans" else 2
        if self.classes and (len(self.classes) < least or len({str(one) for one in self.classes}) < len(self.classes)):
            raise ValueError("`classes` needs two values at least (of spans one), each there once")
        if self.task == "spans" and self.truth:
            raise ValueError("truth is a column of records, and spans have a table of their own: say `input.spans`")
        return self

    @property
    def column(self) -> str:
        """The column of its truth; empty for its own name."""
        return self.truth or ("uri" if self.task == "segmentation" else "")

    @model_validator(mode="after")
    def _label_values_are_of_one_structure(self) -> Self:
        values = [*self.ignored, *(value for one in self.structures.values() for value in label_values(one))]
        twice = sorted(value for value in set(values) if values.count(value) > 1)
        if twice:
            raise ValueError(f"structures and ignored: value {twice[0]} stands there twice")
        return self


class Shares(Frozen):
    """How many of the persons go where."""

    train: Share = Field(default=0.7, gt=0, lt=1, description="share that is learned from")
    tuning: Share = Field(default=0.15, gt=0, lt=1, description="share by which epochs are chosen")
    held_out: Share = Field(default=0.15, ge=0, lt=1, description="share that the training never reads")

    @model_validator(mode="after")
    def _is_all(self) -> Self:
        if not math.isclose(self.train + self.tuning + self.held_out, 1, abs_tol=1e-6):
            raise ValueError("train, tuning and held_out must add up to 1")
        return self


class Splits(Frozen):
    """Which records are learned from. All of one person are in one split."""

    column: str | None = Field(
        default=None, description="column of the labels, or a carried one, that says where each record belongs"
    )
    train: Values = Field(default="train", description="its values for what is learned from")
    tuning: Values = Field(default="tuning", description="its values for records by which epochs are chosen")
    held_out: Values = Field(default="held_out", description="its values for records that the training never reads")
    shares: Shares = Field(default=Shares(), description="without a column: by a hash of the person, or of the record")
    seed: int = Field(default=0, ge=0, description="of that hash: another one gives other splits")

    @model_validator(mode="after")
    def _is_one_way(self) -> Self:
        values = [str(value) for part in PARTS for value in set(several(getattr(self, part)))]
        if len(set(values)) < len(values):
            raise ValueError("train, tuning and held_out share a value: each says where records belong, in one split")
        by_column, by_hash = {"train", "tuning", "held_out"}, {"shares", "seed"}
        if self.column is None and by_column & self.model_fields_set:
            raise ValueError(f"{sorted(by_column & self.model_fields_set)[0]} is of a column: say `column`")
        if self.column is not None and by_hash & self.model_fields_set:
            raise ValueError("a column says where records belong: leave shares and seed out")
        return self


class Network(Frozen):
    """What is fitted."""

    name: str = Field(
        description=f"of the collection's networks ({registry.trainable()}), or of a package's; huggingface is that of "
        "the directory `start`"
    )
    settings: Mapping[str, Any] = Field(
        default_factory=dict, description="of the network, without what follows from data and outputs"
    )


P = TypeVar("P", bound=Frozen)


def part_of(model: type[P], given: Mapping[str, Any]) -> P:
    """The settings of `model` among those of a training, which has more: the input as predict has it."""
    return model.model_validate({name: value for name, value in given.items() if name in model.model_fields})


class TrainKeys(Frozen):
    """Keys of `input:` that every training has beside those of its collection. `searchable` are the settings that no
    stage before `fit` reads, by their paths: a search may change them, or what is below them."""

    searchable: ClassVar[tuple[str, ...]] = ("fit", "network")

    labels: Labels | None = Field(default=None, description="what is true, where the records do not carry it")
    outputs: Mapping[Name, Output] = Field(
        min_length=1, description="what is learned, by name; several binary ones or numbers may be told by one network"
    )
    splits: Splits = Field(default=Splits(), description="which records are learned from")
    network: Network = Field(description="what is fitted")
    fit: FitSettings = Field(default=FitSettings(), description="how")
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        default=(0,), min_length=1, description="one fit each; of several the model is their mean"
    )
    folds: int | None = Field(
        default=None,
        ge=2,
        le=100,
        description="cross-validation: the subjects of train and tuning are dealt into so many folds, and of each a "
        "network is fitted without it, whose epoch it chooses; the model is the mean of all",
    )
    search: Mapping[str, tuple[Any, ...]] = Field(
        default_factory=dict,
        description="a grid: values to try by the path of a setting, such as fit.learning_rate; every combination is "
        "fitted, and the best by the tuning metric is the model",
    )
    processes: int = Field(
        default=1,
        ge=1,
        le=64,
        description="processes of a worker that fit a network together, each a part of a batch",
    )
    start: Location | None = Field(
        default=None, description="a model directory of the same network whose weights it begins from"
    )

    @model_validator(mode="after")
    def _outputs_go_together(self) -> Self:
        for name in OF_LABELLED & set(self.outputs):
            raise ValueError(f"outputs: {name} is a column of labelled.parquet: call it otherwise, with truth: {name}")
        tasks = {output.task for output in self.outputs.values()}
        if len(tasks) > 1:
            raise ValueError(f"outputs: one network has outputs of one task, and these are {', '.join(sorted(tasks))}")
        if tasks & {"classes", "ordinal", "spans", "segmentation"} and len(self.outputs) > 1:
            raise ValueError(f"outputs: a network has one output of task {tasks.pop()}, and these are several")
        if "spans" in tasks and "spans" not in type(self).model_fields:
            raise ValueError("outputs: spans are of texts: this collection has none")
        if "segmentation" in tasks and "segmentation" not in self.tasks_of_its_own:
            raise ValueError("outputs: segmentation is of volumes: this collection has none")
        if "segmentation" in tasks and self.fit.balance != "none":
            raise ValueError("fit.balance: is of whole records, and label maps are of voxels: leave it out")
        of_rows = sorted({"gamma", "smoothing", "delta"} & self.fit.loss.model_fields_set)
        if "segmentation" in tasks and of_rows:
            raise ValueError(f"fit.loss.{of_rows[0]}: is not for segmentation: leave it out")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds: one stands there twice, which would count it twice")
        return self

    @property
    def output_task(self) -> Task:
        """That which all outputs have; each token of a text with spans is of one class."""
        task = next(iter(self.outputs.values())).task
        return "classes" if task == "spans" else task

    @property
    def tasks_of_its_own(self) -> tuple[str, ...]:
        """Tasks whose truths are no values of columns, which these records may have."""
        return ()

    @property
    def networks_of(self) -> str:
        """Under which name the registry has the networks."""
        return str(getattr(self, "collection", ""))

    @property
    def has_spans(self) -> bool:
        """Whether labelled pieces of texts are learned."""
        return any(output.task == "spans" for output in self.outputs.values())

    @property
    def is_segmentation(self) -> bool:
        """Whether structures of volumes are marked."""
        return any(output.task == "segmentation" for output in self.outputs.values())

    @property
    def has_prepared_truths(self) -> bool:
        """Whether what is true of a record is no value of a column, and prepared with it."""
        return self.has_spans or self.is_segmentation

    @property
    def is_of_several(self) -> bool:
        """Whether the model is the mean of several networks."""
        return len(self.seeds) > 1 or self.folds is not None

    def truths(self) -> dict[str, str]:
        """The column of each output's truth; spans have none, and a folder of label maps has one of its own."""
        return {name: output.column or name for name, output in self.outputs.items() if output.task != "spans"}
