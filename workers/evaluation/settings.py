"""What a spec says of an evaluation. Imports nothing heavy: the driver reads this too."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from schemas.frozen import Frozen
from schemas.location import Location
from schemas.units import Share
from workers.labels.settings import Labels, LabelValues, Name, Rows, Values, refuse_both_sides


class Rule(Frozen):
    """How a threshold is chosen on tuning rows; exactly one of these."""

    best: Literal["youden", "accuracy", "balanced", "f1"] | None = Field(
        default=None, description="the threshold at which this is largest; balanced: sensitivity nearest to specificity"
    )
    sensitivity: Share | None = Field(default=None, gt=0, le=1, description="the highest threshold that reaches it")
    specificity: Share | None = Field(default=None, gt=0, le=1, description="the lowest threshold that reaches it")
    flagged: Share | None = Field(default=None, ge=0, le=1, description="the lowest threshold that flags no more rows")

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("needs exactly one of best, sensitivity, specificity, flagged")
        return self


def _is_score_or_rule(value: object) -> object:
    if isinstance(value, bool | str | list) or value is None:
        raise ValueError("must be a score such as 0.5, or a rule such as {sensitivity: 95%}")
    return value


def _kind(value: object) -> str:
    return "rule" if isinstance(value, Rule | Mapping) else "score"


Threshold = Annotated[
    Annotated[float, Tag("score")] | Annotated[Rule, Tag("rule")],
    Discriminator(_kind),
    BeforeValidator(_is_score_or_rule),
]
"""A score, or how it is chosen."""


class Outcome(Frozen):
    """What is held against what."""

    task: Literal["binary", "number", "classes", "entities", "segmentation"] = Field(
        default="binary",
        description="what kind of truth it is; entities: labelled spans of a text; segmentation: label maps of volumes",
    )
    score: str = Field(
        default="",
        description="column of the run's rows with the score or the predicted number; of segmentation with the masks, "
        "such as mask_nifti",
    )
    scores: Mapping[str, str] = Field(
        default_factory=dict, description="classes: the column of each class's score, by its value in `truth`"
    )
    ordered: bool = Field(default=False, description="the classes are grades in this order, so that distance counts")
    truth: str = Field(
        description="column of the labels, or a carried column of the rows, with what was true; of segmentation with "
        "the uri of the label map, which is `uri` of a folder of labels"
    )
    structures: Mapping[Name, LabelValues] = Field(
        default_factory=dict,
        description="of segmentation: what is held against each other, by name, with its value in the label maps of "
        "`truth`, or several values that are one structure there",
    )
    marked: Mapping[Name, LabelValues] = Field(
        default_factory=dict, description="of segmentation: values of structures in the masks, where they are others"
    )
    tolerance_mm: float = Field(
        default=1.0, ge=0, description="of segmentation: how far surfaces may lie apart for the surface Dice"
    )
    positive: Values = Field(default=1, description="values of `truth` that are positive (binary)")
    negative: Values | None = Field(
        default=None, description="values of `truth` that are negative; others are then left out. Default: all others"
    )
    thresholds: Mapping[Name, Threshold] = Field(
        default_factory=dict, description="operating points by name: a score, or a rule that chooses it on tuning rows"
    )
    probability: bool = Field(
        default=True, description="the score is a probability, so that it has a calibration and a net benefit"
    )

    @model_validator(mode="after")
    def _fits_its_task(self) -> Self:
        binary = {"positive", "negative", "thresholds", "probability"} & self.model_fields_set
        if self.task != "binary" and binary:
            raise ValueError(f"{sorted(binary)[0]} is for binary outcomes; the task of this one is {self.task}")
        refuse_both_sides(self.positive, self.negative)
        of_masks = sorted({"structures", "marked", "tolerance_mm"} & self.model_fields_set)
        if self.task != "segmentation" and of_masks:
            raise ValueError(f"{of_masks[0]} is for segmentation; the task of this one is {self.task}")
        if self.task == "segmentation" and not self.structures:
            raise ValueError("segmentation needs `structures`: their values in the label maps, by name")
        if set(self.marked) - set(self.structures):
            raise ValueError(f"marked: {sorted(set(self.marked) - set(self.structures))[0]} is none of the structures")
        if self.task == "classes" and (self.score or len(self.scores) < 2):
            raise ValueError("classes need `scores`, the column of each class (two at least), instead of `score`")
        if self.task != "classes" and (not self.score or self.scores or self.ordered):
            raise ValueError(f"task {self.task} needs `score`; `scores` and `ordered` are for classes")
        return self

    def columns(self) -> dict[str, str]:
        """The columns of scores: by class, or one under an empty name."""
        return dict(self.scores) if self.task == "classes" else {"": self.score}


class Compare(Frozen):
    """Another run over the same records, whose scores of binary outcomes are held against these, row by row."""

    run: Location = Field(description="output.uri of the other finished run")
    scores: Mapping[str, str] = Field(
        default_factory=dict, description="by outcome: its column there, where that has another name"
    )


class Group(Frozen):
    """Subgroups: one for each value of a column, or for each band of a number."""

    column: str | None = Field(default=None, description="column of rows or labels; default: the group's own name")
    bands: tuple[float, ...] = Field(default=(), description="ascending bounds; a band holds its lower bound")
    cross: tuple[Name, ...] = Field(
        default=(), description="instead of a column: other groups, of which each combination that occurs is a group"
    )

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        if self.cross and (self.column is not None or self.bands):
            raise ValueError("cross is of other groups: leave column and bands out")
        if self.cross and (len(self.cross) < 2 or len(set(self.cross)) < len(self.cross)):
            raise ValueError("cross needs two groups at least, each there once")
        if any(high <= low for low, high in zip(self.bands, self.bands[1:], strict=False)):
            raise ValueError("bands must ascend")
        return self


StardItem = Literal["1-4", "6", "8-11", "12", "16-17", "32-39", "40"]
"""Items of STARD-AI that only the author of a study knows."""


class Calibrate(Frozen):
    """Maps from scores to probabilities that come true as often as they say, fitted on tuning rows."""

    method: Literal["temperature", "platt", "isotonic", "beta", "vector"] = Field(
        description="temperature (of classes, too), platt, isotonic or beta; vector, of classes: two numbers each"
    )
    outcomes: tuple[Name, ...] = Field(
        default=(), description="binary outcomes, or with vector those of classes; default: all of them"
    )
    by: str = Field(
        default="", description="carried column, such as site or device, whose values get maps of their own"
    )
    unseen: Literal["pooled", "null"] = Field(
        default="pooled",
        description="rows of a value without a map of its own: that of all tuning rows, or no calibrated score",
    )
    least: int = Field(
        default=20, ge=1, description="tuning rows of each class that a value needs for a map of its own"
    )


class EvaluateInput(Frozen):
    """`input:` of an evaluation."""

    run: Location = Field(description="output.uri of a finished run")
    labels: Labels | None = Field(default=None, description="what was true, where the rows do not carry it")
    roots: tuple[Location, ...] = Field(
        default=(),
        description="of outcomes of segmentation: prefixes that label maps may lie under; default: the folder of the "
        "labels",
    )
    compare: Compare | None = Field(default=None, description="another run on the same records")
    outcomes: Mapping[Name, Outcome] = Field(min_length=1, description="what is evaluated, by name")
    together: Mapping[Name, tuple[Name, ...]] = Field(
        default_factory=dict,
        description="sets of binary outcomes that may be true at once, by name: micro and macro figures over each set",
    )
    groups: Mapping[Name, Group] = Field(default_factory=dict, description="subgroups, by name")
    tuning: Rows = Field(default_factory=dict, description="rows on which thresholds are chosen; none are in the test")
    test: Rows = Field(default_factory=dict, description="rows that are evaluated; default: all but the tuning rows")
    calibration: Calibrate | None = Field(
        default=None, description="fit calibration.json on the tuning rows, and tell what it changes on the test rows"
    )
    prevalence: tuple[Share, ...] = Field(default=(), description="shares of positives to project PPV and NPV to")
    fixed_rates: tuple[Share, ...] = Field(
        default=(0.9, 0.95),
        description="sensitivity at so large a specificity, and the inverse, is told of the ranking",
    )
    statements: Mapping[StardItem, str] = Field(
        default_factory=dict,
        exclude=True,
        description="the author's words in the report's STARD-AI table, by its items; no part of what a run is",
    )
    level: Share = Field(default=0.95, gt=0, lt=1, description="coverage of the intervals")
    interval: Literal["wilson", "clopper_pearson"] = Field(default="wilson", description="of proportions")
    suppress_below: int = Field(
        default=0, ge=0, description="groups with a count above 0 and below this are not shown, nor what gives it away"
    )
    draws: int = Field(default=2000, ge=100, le=100_000, description="resamples where persons have several rows")
    exact_rows: int = Field(
        default=2_000_000, ge=1, description="outcomes of more rows are evaluated from counts in narrow bins of scores"
    )

    @model_validator(mode="after")
    def _compared_outcomes_are_binary(self) -> Self:
        for name in () if self.compare is None else self.compare.scores:
            if name not in self.outcomes or self.outcomes[name].task != "binary":
                raise ValueError(f"compare.scores.{name} is no binary outcome of this evaluation")
        return self

    @model_validator(mode="after")
    def _crossed_groups_are_there(self) -> Self:
        for name, group in self.groups.items():
            for other in group.cross:
                if other not in self.groups or self.groups[other].cross:
                    raise ValueError(f"groups.{name}.cross: {other} is no group of a column: name it under groups, too")
        return self

    @model_validator(mode="after")
    def _sets_are_of_binary_outcomes(self) -> Self:
        for name, members in self.together.items():
            if name in self.outcomes:
                raise ValueError(f"together.{name} has the name of an outcome: give it another")
            if len(set(members)) != len(members) or len(members) < 2:
                raise ValueError(f"together.{name} needs two outcomes at least, each there once")
            for one in members:
                if one not in self.outcomes or self.outcomes[one].task != "binary":
                    raise ValueError(f"together.{name}: {one} is no binary outcome of this evaluation")
        return self

    @model_validator(mode="after")
    def _calibration_has_what_it_needs(self) -> Self:
        if self.calibration is None:
            return self
        if not self.tuning:
            raise ValueError("calibration is fitted on tuning rows, and `tuning` names none")
        for name in self.calibration.outcomes:
            if name not in self.outcomes or self.outcomes[name].task not in self._can_be_calibrated:
                kinds = " or ".join(self._can_be_calibrated)
                raise ValueError(f"calibration.outcomes: {name} is no {kinds} outcome of this evaluation")
        if not self.calibrated:
            raise ValueError(
                f"calibration is for {self._can_be_calibrated[0]} outcomes by method {self.calibration.method}, and "
                "there is none"
            )
        if self.calibration.by and any(self.outcomes[name].task == "classes" for name in self.calibrated):
            raise ValueError("calibration.by is for binary outcomes, and one of classes is calibrated: leave it out")
        scores = [column for name in self.calibrated for column in self.outcomes[name].columns().values()]
        if len(set(scores)) < len(scores):
            raise ValueError("two outcomes share a score: name one of them in calibration.outcomes")
        for name in self.calibrated:
            if self.calibration.method == "beta" and not self.outcomes[name].probability:
                raise ValueError(f"calibration.method beta needs probabilities, and the score of {name} is none")
        return self

    @property
    def calibrated(self) -> tuple[str, ...]:
        """The outcomes whose scores are calibrated."""
        if self.calibration is None:
            return ()
        first = self._can_be_calibrated[0]
        return self.calibration.outcomes or tuple(name for name, one in self.outcomes.items() if one.task == first)

    @property
    def _can_be_calibrated(self) -> tuple[str, ...]:
        """Tasks that the method is for; outcomes of the first are calibrated where none is named."""
        method = None if self.calibration is None else self.calibration.method
        if method == "temperature":
            tasks = {outcome.task for outcome in self.outcomes.values()}
            return ("binary", "classes") if "binary" in tasks else ("classes", "binary")
        return ("classes",) if method == "vector" else ("binary",)

    @model_validator(mode="after")
    def _rules_have_tuning_rows(self) -> Self:
        for name, outcome in self.outcomes.items():
            for point, threshold in outcome.thresholds.items():
                if isinstance(threshold, Rule) and not self.tuning:
                    raise ValueError(
                        f"outcomes.{name}.thresholds.{point} is chosen by a rule, and `tuning` names no rows to "
                        "choose it on; a threshold that is chosen on the rows it is tested on is none"
                    )
        return self


INPUT = EvaluateInput
"""What `input:` of a spec is checked against."""
