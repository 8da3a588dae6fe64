"""Run the missing shards of a stage through a pool."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cluster.pool import Dispatcher, DispatchResult, Host, PoolSettings, Progress, Stop
from jobs.registry import job_kind
from jobs.rejects import RejectWatch, spread_sample
from jobs.rundir import StageDirectory
from jobs.settings import storage_settings
from schemas.errors import IncompleteError
from schemas.run import FileRecord, StageKind
from schemas.spec import Spec
from schemas.wording import counted
from schemas.work import Mode, ShardReport, ShardTask

_LEAST_MUTE_S = 60.0
"""A machine that is short of everything may keep a worker from answering for a while."""

_SAMPLE = 64
SAMPLE_SHARD = -1
"""The number under which a sample runs: no shard has it."""


@dataclass
class StageFigures:
    """What a driver saw of a stage: seconds by step, shards committed, how busy the cores were, and what its workers
    counted beside records."""

    seconds: dict[str, float] = field(default_factory=dict)
    committed: int = 0
    busy: float | None = None
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, report: ShardReport) -> None:
        """Count one finished shard."""
        self.committed += report.outcome == "committed"
        for step, spent in report.seconds.items():
            self.seconds[step] = self.seconds.get(step, 0.0) + spent


@dataclass(frozen=True)
class Watchers:
    """Who hears of progress, and who may ask to stop."""

    on_progress: Callable[[Progress], None]
    should_stop: Callable[[], Stop]
    on_report: Callable[[ShardReport], None] = lambda report: None
    suspects: frozenset[tuple[str, int]] = frozenset()
    """Shards that never came to an end, by the directory of their stage."""

    def mode(self, stage: StageDirectory, shard: int) -> Mode:
        """How a shard is scored."""
        return "isolate" if (stage.directory, shard) in self.suspects else "normal"


def worker_job(stage: StageDirectory, spec: Spec) -> dict[str, Any]:
    """What a worker is started with: where the run lies, and settings that change no result. No secret, no key."""
    return {
        "room": job_kind(spec.job).room(spec.input).target,
        "run_uri": stage.store.uri,
        "stage_dir": stage.directory,
        "compute": spec.compute.model_dump(mode="json"),
        "limits": spec.limits.model_dump(mode="json"),
        "input": dict(spec.input),
        "storage": {**storage_settings(spec).model_dump(mode="json"), "forbidden": spec.limits.forbidden},
        "single_committer": stage.store.single_committer,
        "kind": stage.run.kind,
        "processes": stage.run.processes,
    }


def execute(stage: StageDirectory, spec: Spec, host: Host, watchers: Watchers) -> StageFigures:
    """Score and commit every shard that is not there yet.

    Raises RejectLimitError, IncompleteError (stopped by the user, or infrastructure), or what a worker refused.
    """
    done = stage.committed()
    figures = StageFigures()
    watch = _counted(spec, stage, done)
    missing = [shard for shard in range(stage.run.plan.shards) if shard not in done]
    if not missing:
        return figures
    tasks = [ShardTask(shard, watchers.mode(stage, shard)) for shard in missing]
    dispatcher = Dispatcher(host, pool_settings(spec, stage.run.kind))
    # Before the first commit only: later on the committed rows themselves are counted.
    if stage.run.kind == "records" and not done and spec.limits.max_rejects < 1 and _sampled(stage, spec):
        _sample(stage, spec, dispatcher, watch, watchers)

    def on_report(report: ShardReport) -> None:
        figures.add(report)
        watchers.on_report(report)
        watch.add(report.statuses, report.models)

    infos: dict[str, Mapping[str, Any]] = {}

    def on_progress(progress: Progress) -> None:
        # By worker: those that were lost on the way keep their last figures.
        infos.update(progress.info)
        watchers.on_progress(progress)

    result = dispatcher.run(
        tasks,
        on_report=on_report,
        should_stop=_at_once(watchers.should_stop) if stage.run.kind == "long" else watchers.should_stop,
        committed_elsewhere=stage.present,
        on_progress=on_progress,
    )
    figures.busy = _busy(infos)
    figures.counts = dict(sum((Counter[str](info.get("counts", {})) for info in infos.values()), Counter[str]()))
    _refuse_unfinished(result, _where(infos, spec) if stage.run.kind == "long" else "")
    # Shards that another driver committed were never reported here.
    if result.elsewhere:
        _counted(spec, stage, stage.committed())
    return figures


def _at_once(should_stop: Callable[[], Stop]) -> Callable[[], Stop]:
    """What is in hand may take days: its state is kept, and it goes on with the next command."""
    return lambda: "no" if should_stop() == "no" else "abort"


def _counted(spec: Spec, stage: StageDirectory, done: Mapping[int, FileRecord]) -> RejectWatch:
    """The watch over a stage of which these shards lie there. Raises RejectLimitError."""
    # A stage before the last one, or of whole shards, says in its own words what does not fit.
    watched = "max_rejects" in spec.limits.model_fields_set or stage.directory or stage.run.kind != "records"
    watch = RejectWatch(spec.limits.max_rejects if watched else None, stage.run.plan.records)
    for record in done.values():
        watch.add(record.statuses or {}, record.models)
    return watch


def _sampled(stage: StageDirectory, spec: Spec) -> int:
    """How many records of the stage are tried before its first commit."""
    said = spec.limits.sample
    return (stage.run.sample or _SAMPLE) if said is None else said


def _sample(stage: StageDirectory, spec: Spec, dispatcher: Dispatcher, watch: RejectWatch, watchers: Watchers) -> None:
    mode = watchers.mode(stage, SAMPLE_SHARD)
    task = ShardTask(SAMPLE_SHARD, mode, spread_sample(stage.run.plan, _sampled(stage, spec)))
    result = dispatcher.run(
        [task],
        on_report=lambda report: watch.check_sample(report.statuses, report.models),
        should_stop=watchers.should_stop,
        keep_workers=True,
    )
    _refuse_unfinished(result)


def _where(infos: Mapping[str, Mapping[str, Any]], spec: Spec) -> str:
    """How far the fits were when they were last heard of, and from where they will go on."""
    told = "; ".join(str(info["said"]) for _, info in sorted(infos.items()) if "said" in info)
    every = f"limits.checkpoint_every ({spec.limits.checkpoint_every:g} s)"
    return f"{f', at {told}' if told else ''}; it goes on from the newest state, {every} before that at most"


def _refuse_unfinished(result: DispatchResult, where: str = "") -> None:
    if any(report.shard == SAMPLE_SHARD for report in result.failed):
        raise IncompleteError(
            "the sample of records that limits.max_rejects is checked on killed every worker that took it: give the "
            "workers more memory, or look at the worker logs; limits.sample: 0 skips it"
        )
    if result.failed:
        raise IncompleteError(
            f"{counted(len(result.failed), 'shard')} killed every worker that had it; {result.failed[0].error}; then "
            "run the same command again"
        )
    if result.outcome != "complete":
        raise IncompleteError(
            f"stopped with {result.done} of {counted(result.total, 'fit' if where else 'shard')} done{where}: run the "
            "same command again to go on"
        )


def pool_settings(spec: Spec, kind: StageKind = "records") -> PoolSettings:
    """The pool's settings as the spec has them, for a stage of this kind."""
    # A long shard goes on where it was, so that its worker's death is no sign against it.
    long = {"restarts": spec.limits.restarts, "max_deaths": (spec.limits.restarts + 1) * spec.compute.workers.max + 1}
    return PoolSettings(
        min_workers=spec.compute.workers.min,
        max_workers=spec.compute.workers.max,
        start_timeout_s=spec.compute.start_timeout,
        # A long shard says itself whether it gets on.
        shard_deadline_s=None if kind == "long" else spec.limits.shard_deadline,
        mute_s=max(_LEAST_MUTE_S, spec.limits.record_timeout),
        # A copy that comes late would overwrite what is there, after everything was checked and listed.
        hedge=spec.compute.hedge and not spec.output.single_committer and kind != "long",
        max_infrastructure_failures=spec.limits.outages,
        **(long if kind == "long" else {}),
    )


def _busy(infos: Mapping[str, Mapping[str, Any]]) -> float | None:
    """The share of the workers' cores spent in prepare and forward, over all workers."""
    given = sum(float(info.get("core_seconds_given", 0.0)) for info in infos.values())
    used = sum(float(info.get("core_seconds_used", 0.0)) for info in infos.values())
    return round(min(1.0, used / given), 4) if given else None
