"""What a spec says of a training over events. Imports no torch."""

from typing import ClassVar, Self

from pydantic import Field, model_validator

from schemas.frozen import Frozen
from workers.ehr.events.formats.encoder import Encoding
from workers.ehr.events.settings import EventsInput
from workers.training.job.settings import TrainKeys

SPLIT = "split"
"""The column of MEDS's metadata/subject_splits.parquet, and of the records that bear it."""


class VocabularySettings(Frozen):
    """Which codes get an index of their own."""

    min_subjects: int = Field(
        default=5, ge=1, description="training subjects that have a code at least; rarer ones are unknown to the model"
    )
    max_codes: int | None = Field(
        default=None, ge=1, le=100_000_000, description="the most codes, those that most training subjects have"
    )


class HistorySettings(Frozen):
    """Which events of a history a network is shown; as in config.json of a model on events."""

    window_days: float | None = Field(
        default=None, gt=0, le=1_000_000, description="only events of so many days before the prediction time"
    )
    max_events: int | None = Field(default=None, ge=1, description="the latest ones only")
    clip: float | None = Field(default=10.0, gt=0, description="bound of scaled values; null: as they are")

    def encoding(self) -> Encoding:
        """As a model directory has it. Rare codes are the unknown one, of which the network learns what it is worth."""
        return Encoding(window_days=self.window_days, max_events=self.max_events, clip=self.clip)


class EventsTraining(TrainKeys, EventsInput):
    """`input:` of a training over events: that of predict, and what is learned from it.

    Truths are columns of the label table that are carried, such as `boolean_value`. `splits: {column: split}` where
    neither labels nor carried columns have a `split` is that of the dataset's metadata/subject_splits.parquet.
    """

    searchable: ClassVar[tuple[str, ...]] = (*TrainKeys.searchable, "vocabulary", "history.max_events", "history.clip")

    vocabulary: VocabularySettings = Field(default=VocabularySettings(), description="which codes the model knows")
    history: HistorySettings = Field(default=HistorySettings(), description="which events a network is shown")
    predicts: str = Field(default="", description="what is predicted, from when on, for how long; for people")
    code_system: str = Field(default="", description="which vocabularies the codes come from; for people")

    @model_validator(mode="after")
    def _one_network(self) -> Self:
        if self.start is not None and "vocabulary" in self.model_fields_set:
            raise ValueError("vocabulary: that of `start` is taken: leave it out")
        return self

    @property
    def has_meds_splits(self) -> bool:
        """Whether the dataset says where subjects belong."""
        return self.splits.column == SPLIT and self.labels is None and SPLIT not in self.carry


INPUT = EventsTraining
"""What `input:` of a spec is checked against."""
