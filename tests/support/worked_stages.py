"""The stages of a run worked through in this process, one by one, so that a test can stop between two of them."""

from __future__ import annotations

from cluster.storage import StorageSettings
from jobs.rundir import StageDirectory
from jobs.running import prepare_job
from jobs.settings import output_store
from jobs.stages import StagedJob
from schemas.spec import parse_spec
from schemas.work import ShardTask
from tests.support.open_stages import context_of
from workers.lookup import room_at
from workers.pipeline.context import StageContext
from workers.pipeline.kinds import ShardStage
from workers.pipeline.publish import publish


class WorkedStages:
    """A job whose stages of whole shards are opened, and done, as they are asked for."""

    def __init__(self, text: str, room: str) -> None:
        self.job: StagedJob = prepare_job(parse_spec(text), StorageSettings())
        self.store = output_store(self.job.spec)
        self.stages: list[StageDirectory] = []
        self._room = room_at(room)

    def open(self) -> StageContext:
        """The next stage, as a worker of it knows it."""
        stage = self.job.open_next(self.store, self.stages)
        assert stage is not None
        self.stages.append(stage)
        return context_of(stage)

    def stage_of(self, context: StageContext) -> ShardStage:
        """What the room opens for it."""
        stage: ShardStage = self._room.get("stages", context.run.stage)(context)
        return stage

    def work(self) -> StageContext:
        """Open the next stage, and do and commit all of its shards."""
        context = self.open()
        stage = self.stage_of(context)
        for shard in range(context.run.plan.shards):
            records = context.plan.shard(shard)
            found = stage.compute(shard, records)
            publish(context, ShardTask(shard), found.table, records["record_id"], found.side, found.vouched)
        return context
