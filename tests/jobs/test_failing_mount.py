"""A mount that fails in the middle of any run ends it with 4; the same command then ends it as if nothing had been."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from cluster.storage import open_store
from jobs.execute import execute, worker_job
from jobs.hosts import open_host
from jobs.rundir import StageDirectory
from jobs.running import prepare_job
from jobs.settings import storage_settings
from jobs.verification.verify import verify
from schemas.spec import parse_spec
from tests.chaos.harness import Content, content
from tests.support.cli import Wardround
from tests.support.failing_mount import FailingMount, failing_mount
from tests.support.meds_runs import with_history_format
from tests.support.mount_kinds import KINDS
from tests.support.runs import QUIET
from workers import registry

_PATIENT = "limits: {outages: 8, sample: 0}\nstorage: {attempts: 1}\n"
QUICK = (
    *("images", "image table, CSV", "notes, Parquet", "events, labels", "genotypes, table", "variants"),
    *("sequences, CSV", "molecules, SMI", "convert omop", "convert vcf"),
)
"""One or two of a collection; what is long tries every kind at eight places."""
_AT_ONCE = "limits: {outages: 1, sample: 0}\nstorage: {attempts: 1}\n"


@pytest.fixture(autouse=True)
def _formats(monkeypatch: pytest.MonkeyPatch) -> None:
    with_history_format(monkeypatch)
    monkeypatch.setitem(registry.FORMATS, "notes", {"counting": "tests.support.counting_notes"})


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[FailingMount]:
    with failing_mount(tmp_path) as mount:
        yield mount


class Runs:
    """Runs of one kind, all over one input on the mount, each with an output on it and a cache of its own."""

    def __init__(self, kind: str, mount: FailingMount, monkeypatch: pytest.MonkeyPatch, command: Wardround) -> None:
        self.mount = mount
        self._said = KINDS[kind](mount.backing).replace("ROOT", str(mount.path))
        self._monkeypatch = monkeypatch
        self._command = command

    def run(self, name: str, limits: str = _AT_ONCE) -> tuple[int, str]:
        """Give the command; its exit code, and what it said."""
        said = self._command("run", self.spec(name, limits), "--progress", "none")
        return said.code, said.err

    def spec(self, name: str, limits: str = _AT_ONCE) -> Path:
        """The file that says such a run."""
        folder = self.mount.path.parent
        self._monkeypatch.setenv("WARDROUND_CACHE", str(folder / "caches" / name))
        spec = folder / f"{name}.yaml"
        compute = "compute: {pool: serial, shard_records: 4}\n"
        spec.write_text(f"{self._said}output: {{uri: {self.mount.path}/{name}}}\n{compute}{limits}")
        return spec

    def content(self, name: str) -> Content:
        """What a finished run says, every object of it verified."""
        store = open_store(str(self.mount.backing / name))
        verify(store)
        return content(store)


@pytest.fixture
def runs(
    request: pytest.FixtureRequest,
    mount: FailingMount,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Runs:
    return Runs(request.param, mount, monkeypatch, Wardround(capsys))


def fails_and_resumes(runs: Runs, shares: list[float]) -> None:
    """Break the mount after these shares of all requests of an undisturbed run."""
    runs.mount.heal()
    assert runs.run("clean") == (0, "")
    total = runs.mount.heal().counted
    for number, share in enumerate(shares):
        runs.mount.fail(after=int(share * total), error=("EIO", "ESTALE", "ENOTCONN", "ETIMEDOUT")[number % 4])
        code, said = runs.run(f"run{number}")
        assert runs.mount.heal().failed
        assert code == 4, (share, said)
        assert runs.run(f"run{number}")[0] == 0, share
        assert runs.content(f"run{number}").equals(runs.content("clean")), share


@pytest.mark.parametrize("runs", QUICK, indirect=True)
def test_a_mount_that_fails_ends_the_run_with_4_and_it_resumes(runs: Runs) -> None:
    fails_and_resumes(runs, [0.6])


@pytest.mark.long
@pytest.mark.parametrize("runs", KINDS, indirect=True)
def test_a_mount_that_fails_anywhere_ends_the_run_with_4_and_it_resumes(runs: Runs) -> None:
    fails_and_resumes(runs, [number / 8 for number in range(8)])


@pytest.mark.long
@pytest.mark.parametrize("runs", KINDS, indirect=True)
def test_a_mount_that_is_well_again_before_the_run_gives_up_changes_nothing(runs: Runs) -> None:
    """A worker lives on, with whatever files and iterators the outage left behind in it. A driver ends with 4."""
    runs.mount.heal()
    assert runs.run("clean") == (0, "")
    total = runs.mount.heal().counted
    for share in (0.55, 0.7):
        runs.mount.fail(after=int(share * total), times=2)
        code, said = runs.run(f"short{share}", _PATIENT)
        assert runs.mount.heal().failed in (1, 2), "a driver may end at the first"
        assert code in (0, 4), said
        assert runs.run(f"short{share}", _PATIENT)[0] == 0
        assert runs.content(f"short{share}").equals(runs.content("clean")), share


_ASKED = {
    "images": "in/*",
    "image frames": "in/*",
    "image table, CSV": "in/*",
    "image table, Parquet": "in/*",
    "image bytes": "images.parquet",
    "notes, Parquet": "notes.parquet",
    "events, labels": "meds/data/*",
    "molecules, CSV": "nothing",
    "convert fhir": "in/*",
    "convert omop": "in/*",
    "convert vcf": "in/*",
}
"""What a worker may open of the input: the planned objects. A plan of molecules has them in it."""


@pytest.mark.parametrize("runs", _ASKED, indirect=True)
def test_a_worker_asks_the_input_for_planned_objects_only(runs: Runs, request: pytest.FixtureRequest) -> None:
    """Neither lists it nor opens the table that planning has read."""
    spec = parse_spec(runs.spec("out").read_text())
    job, store = prepare_job(spec, storage_settings(spec)), open_store(spec.output.uri)
    stages: list[StageDirectory] = []
    while (stage := job.open_next(store, stages)) is not None:
        stages.append(stage)
        runs.mount.heal()
        with open_host(spec, worker_job(stage, spec)) as host:
            execute(stage, spec, host, QUIET)
        seen = runs.mount.heal()
        allowed = _ASKED[request.node.callspec.params["runs"]]
        ours = ("out/*", "model/*", "tox/*")
        assert [path for path in seen.opened if not any(fnmatch(path, one) for one in (allowed, *ours))] == []
        assert [path for path in seen.listed if not fnmatch(path + "/", "out/*") and path not in ("model", "tox")] == []
