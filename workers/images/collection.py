"""Collection `images` as a job sees it: one stage, or first one that counts frames."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from schemas.plan import spread
from schemas.spec import Compute
from schemas.wording import counted
from workers.collection import PREDICT, StagePlan, TrialPart
from workers.contract import ModelCard
from workers.finished_runs.plan import PlanReader
from workers.finished_runs.stage import FinishedStage
from workers.images.planning import ImageRecords
from workers.images.prepare.model_steps import NAME, ModelSteps, is_model_steps
from workers.images.settings import OF_VOLUMES, ONLY_REFUSE, ImagesInput
from workers.images.steps import parse_steps
from workers.images.value_contract import UNSTATED, expected_range
from workers.images.volumes.models import check_axes, checked_steps, with_outputs
from workers.images.volumes.planning import plans, trial


def frame_records(counted: FinishedStage) -> Iterator[pa.RecordBatch]:
    """The records of the next stage, from what the `headers` stage committed.

    `<object>#<frame>` for each frame. An object whose frames could not be counted stays one record under its own id
    (`_own_ids`) and with frame 0, so that the next stage gives it a row with its status.
    """
    plan = counted.plan()
    for shard in range(counted.run.plan.shards):
        counts = pc.fill_null(counted.rows(shard, ["n_frames"])["n_frames"], 0).to_numpy()
        yield from _expand(plan.shard(shard), counts).to_batches()


def _expand(records: pa.Table, counts: np.ndarray) -> pa.Table:
    # An object without countable frames stays one record.
    repeats = np.maximum(counts, 1)
    source = np.repeat(np.arange(len(counts)), repeats)
    frames = np.arange(len(source)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    expanded = records.take(pa.array(source))
    counted = pa.array(counts[source] > 0)
    numbered = pc.binary_join_element_wise(expanded["record_id"], pa.array(frames).cast(pa.string()), "#")
    ids = pc.if_else(counted, numbered, _own_ids(expanded["record_id"]))
    expanded = expanded.set_column(0, records.schema.field("record_id"), ids)
    return expanded.set_column(3, records.schema.field("member"), pa.array(frames, pa.int64()))


def _own_ids(ids: pa.ChunkedArray) -> pa.ChunkedArray:
    """Ids of objects without frames. A name that reads like a frame of another object, `a.dcm#1`, gets a `#` more."""
    return pc.if_else(pc.match_substring_regex(ids, "#[0-9]*$"), pc.binary_join_element_wise(ids, "#", ""), ids)


HEADERS = "headers"
_FRAME_COUNT = "n_frames"


class ImagesCollection:
    """Implements `workers.collection.Collection`."""

    def __init__(self, source: ImagesInput, storage: StorageSettings, shard_records: int = 2048) -> None:
        self.source = source
        self._shard_records = shard_records
        self.records = ImageRecords(source, storage)

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages in their order: with `record: frame` the frames are counted first, with `series` and `study`
        headers are read and slices put together."""
        if self.source.has_volumes:
            return plans.STAGES
        return (HEADERS, PREDICT) if self.source.record == "frame" else (PREDICT,)

    def prepare(self, card: ModelCard, given: tuple[Any, ...] | None) -> tuple[Any, ...]:
        """Steps of `workers.images.prepare`, of volumes those of `workers.images.volumes.prepare`; `model` among those
        of the spec stands for the model's own."""
        check_axes(card, self.source)
        entries = (NAME,) if given is None else given
        if any(map(is_model_steps, entries)) and "prepare_problem" in card.settings:
            raise SpecError(card.settings["prepare_problem"])
        steps = tuple(step for entry in entries for step in (card.prepare if is_model_steps(entry) else (entry,)))
        if self.source.has_volumes:
            return checked_steps(steps)
        if any(isinstance(step, ModelSteps) for step in parse_steps(list(steps))):
            raise SpecError(
                f"prepare: {NAME!r} stands for the steps of a model directory, which cannot have it themselves"
            )
        if sum(map(is_model_steps, entries)) > 1:
            raise SpecError(f"prepare: {NAME!r} stands there twice; one of them has to go")
        return steps

    def remarks(self, card: ModelCard, steps: tuple[Any, ...]) -> tuple[str, ...]:
        """That nothing says which values a model takes, where that is so."""
        if self.source.has_volumes:
            return ()
        return () if expected_range(card, parse_steps(list(steps))) is not None else (UNSTATED,)

    def with_steps(self, card: ModelCard, steps: Sequence[Any]) -> ModelCard:
        """The columns of a model on volumes are those that the spec asks for."""
        return with_outputs(card, self.source) if self.source.has_volumes else card

    def trial_part(self, stage: str, plan: PlanReader, records: int) -> TrialPart:
        """Some images and all their frames; some volumes with all their slices."""
        if self.source.has_volumes:
            return trial.trial_part(stage, plan, records)
        is_first = stage == self.stages[0]
        return TrialPart(spread(plan.info.records, records if is_first else plan.info.records), of_all=is_first)

    def plan(self, stage: str, finished: Sequence[FinishedStage], models: Mapping[str, ModelCard]) -> StagePlan:
        """The plan of the only stage: every image of the input."""
        if self.source.has_volumes:
            return plans.plan_stage(stage, finished, self.records, self._shard_records)
        records, carry = self.records, tuple(field.name for field in self.records.carry)
        if stage == HEADERS:
            counts = {_FRAME_COUNT: "int64"}
            return StagePlan(
                HEADERS,
                records.schema,
                records.batches,
                carry,
                tuple(counts),
                counts,
                tightenable=ONLY_REFUSE,
                ignores=OF_VOLUMES,
                passed_over=records.passed_over,
            )
        counted = finished[-1] if finished else None
        return StagePlan(
            PREDICT,
            records.schema,
            records.batches if counted is None else lambda: frame_records(counted),
            carry,
            header_carry=records.header_carry,
            columns=None,
            subject_from=records.subject_from,
            tightenable=ONLY_REFUSE,
            ignores=OF_VOLUMES,
            passed_over=records.passed_over,
        )

    def look(self, tables: Iterable[pa.Table]) -> Mapping[str, Any]:
        """Formats and transfer syntaxes by their headers, and what would be refused by them."""
        # Planning alone needs no decoder.
        from workers.images.look import look  # noqa: PLC0415

        looked = look(tables, self.records)
        return {
            **({"passed_over": passed} if (passed := self.records.passed_over()) else {}),
            "headers_read": looked.read,
            "formats": dict(looked.formats),
            "transfer_syntaxes": dict(looked.transfer_syntaxes),
            "no_decoder": dict(looked.undecodable),
            "would_be_refused": {str(status): count for status, count in looked.refused.items()},
            **({"other_formats": hints} if (hints := self._other_formats(looked.others)) else {}),
        }

    def _other_formats(self, others: Mapping[str, int]) -> dict[str, str]:
        """What to do about objects that are not of the format that the spec names, by theirs."""
        named = self.records.source.format
        remedy = f"input.format says {named}: leave it out to go by content"
        return {name: f"{counted(count, 'object')}, and {remedy}" for name, count in others.items()}


def open_collection(source: ImagesInput, storage: StorageSettings, compute: Compute) -> ImagesCollection:
    """The images that the input names. Raises SpecError if they cannot be used."""
    return ImagesCollection(source, storage, compute.shard_records)
