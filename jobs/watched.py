"""Run a spec under the eyes of whoever waits: a pool, a display, a way to stop, and at the end the report."""

from jobs.execute import Watchers
from jobs.hosts import pool
from jobs.progress import open_progress
from jobs.report_file import write_report
from jobs.running import Outcome, prepare_job, run_job
from jobs.settings import output_store, storage_settings
from jobs.signals import StopRequests
from jobs.watchdog import Watch
from schemas.run import REPORT_KEY
from schemas.spec import Spec


def run(spec: Spec, stop: StopRequests, progress: str, watch: Watch | None = None) -> Outcome:
    """Score every record of a spec, or go on where an earlier run of it stopped, and write its report.

    `progress` is one of `jobs.progress.MODES`, `watch` that of a process which another one watches. Raises an error of
    `schemas.errors`.
    """
    # Before the pool: what is wrong with the spec is told at once, not after a cluster was started for it.
    job = prepare_job(spec, storage_settings(spec))
    with pool(spec, stop.exit_code, watch) as open_host, open_progress(progress) as shown:
        watchers = Watchers(
            on_progress=shown.update,
            should_stop=stop.should_stop,
            on_report=shown.report,
            suspects=frozenset() if watch is None else watch.suspects,
        )
        outcome = run_job(job, stop.graceful(open_host), watchers, shown.announce)
    store = output_store(spec)
    if not outcome.nothing_to_do or store.head(REPORT_KEY) is None:
        write_report(store)
    return outcome
