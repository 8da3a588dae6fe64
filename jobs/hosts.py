"""Open the pool that a spec asks for: Ray, started while the run is still being planned, or this process."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

from cluster.pool import Host
from cluster.pool.serial import SerialHost
from cluster.session import Session, SessionSettings
from jobs.locations import local_paths, refuse_elsewhere
from jobs.running import HostOpener
from jobs.settings import output_store
from jobs.watchdog import Watch
from schemas.errors import IncompleteError
from schemas.spec import Spec
from workers.finished_runs.documents import read_manifest
from workers.pipeline.factory import DOTTED
from workers.pipeline.models import device


@contextmanager
def pool(
    spec: Spec, exit_code: Callable[[], int] = lambda: IncompleteError.exit_code, watch: Watch | None = None
) -> Iterator[HostOpener]:
    """An opener of hosts for the stages of one run. Ray starts in the background at once, if there is work for it.

    `exit_code`: of the process, where the node of Ray that it started dies under it. `watch`: who is told that a worker
    in this process gets on.
    """
    is_complete = read_manifest(output_store(spec)) is not None
    if spec.compute.pool == "serial":
        if not is_complete:
            # Before anything is read.
            device(spec.compute.gpus_per_worker)
        yield partial(_serial, watch=watch or Watch())
        return
    early = None if is_complete else Session(_session_settings(spec), exit_code)
    try:
        if early is not None and early.joins:
            _refuse_other_disks(spec, early)
        yield lambda spec, job: _ray(early or Session(_session_settings(spec), exit_code), spec, job)
    finally:
        if early is not None:
            early.close()


def _refuse_other_disks(spec: Spec, joined: Session) -> None:
    """Joining is quick; where Ray is started here nothing has to be asked."""
    if not spec.compute.shared_paths and local_paths(spec) and not joined.wait().is_this_machine():
        refuse_elsewhere(spec)


@contextmanager
def open_host(spec: Spec, job: dict[str, Any]) -> Iterator[Host]:
    """The host of one stage, with a pool of its own."""
    with pool(spec) as opener, opener(spec, job) as host:
        yield host


@contextmanager
def _serial(spec: Spec, job: dict[str, Any], watch: Watch) -> Iterator[Host]:
    compute = spec.compute
    try:
        yield SerialHost(DOTTED, job, compute.cpus_per_worker, compute.gpus_per_worker, watch.beat(job["stage_dir"]))
    finally:
        watch.rest()


def _ray(joined: Session, spec: Spec, job: dict[str, Any]) -> AbstractContextManager[Host]:
    @contextmanager
    def opened() -> Iterator[Host]:
        joined.wait()
        # Ray reads its environment when it is imported, and the session sets that.
        from cluster.pool.ray_pool import RayHost, WorkerResources  # noqa: PLC0415

        resources = WorkerResources(
            cpus=spec.compute.cpus_per_worker,
            gpus=spec.compute.gpus_per_worker,
            memory_bytes=spec.compute.memory_per_worker or 0,
            processes=job["processes"],
        )
        yield RayHost(DOTTED, job, resources)

    return opened()


def _session_settings(spec: Spec) -> SessionSettings:
    return SessionSettings(address=spec.compute.address)
