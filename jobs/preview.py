"""What a run would do, found out without writing anything where it would write."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from cluster.storage import Store, open_store
from jobs.opening import StageRequest, closed_after
from jobs.rejects import spread_sample
from jobs.relisting import list_again
from jobs.rundir import StageDirectory
from jobs.settings import output_store
from jobs.stages import StagedJob
from schemas.plan import PlanInfo
from schemas.wording import counted
from workers.collection import StagePlan
from workers.finished_runs.documents import read_manifest, read_run
from workers.finished_runs.plan import PlanReader

_PLAN = "plan.parquet"


@dataclass(frozen=True)
class Preview:
    """A plan in a temporary file. `output` says what lies where the run would write."""

    info: PlanInfo
    plan: PlanReader
    output: str
    listed: Mapping[str, str] = field(default_factory=dict)
    """What a second list says, where one was asked for."""

    def spread(self, size: int) -> pa.Table:
        """So many records, evenly spread over the plan."""
        return self.plan.rows(spread_sample(self.info, size))


@contextmanager
def preview(job: StagedJob, *, first_batch: bool = False, twice: bool = False) -> Iterator[Preview]:
    """List the input and plan it, in a folder that is gone afterwards. `first_batch`: only the first records of it.
    `twice`: and compare with a second list."""
    request = first_request(job)
    if first_batch:
        request = replace(request, plan=replace(request.plan, batches=partial(_first_batch, request.plan)))
    with TemporaryDirectory(prefix="wardround-plan-") as folder:
        path = Path(folder) / _PLAN
        info = request.write_plan(path)
        store = output_store(job.spec)
        output = _at_output(store, request)
        listed = list_again(store, request, path) if twice else {}
        yield Preview(info, PlanReader(open_store(folder), _PLAN, info), output, listed)


def _first_batch(plan: StagePlan) -> Iterator[pa.RecordBatch]:
    with closed_after(plan.batches()) as batches:
        yield from islice(batches, 1)


def first_request(job: StagedJob) -> StageRequest:
    """What the first stage of a run would be opened with."""
    request = job.request([])
    assert request is not None
    return request


def _at_output(store: Store, request: StageRequest) -> str:
    found = read_run(store, request.directory)
    if found is None:
        return "nothing yet"
    changed = request.difference(found)
    if changed is not None:
        return f"another run, which would be refused; changed: {changed}"
    if read_manifest(store) is not None:
        return "this run, complete: nothing to do"
    done = len(StageDirectory(store, request.directory, found).present())
    return f"this run, {done} of {counted(found.plan.shards, 'shard')} of stage {found.stage} done: it would go on"
