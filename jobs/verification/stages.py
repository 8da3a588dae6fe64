"""The stages that a complete run must have, and whether the run file of each says what its own fingerprint says."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from cluster.storage import ObjectError, Store
from jobs.planning.fingerprint import fingerprint_of
from jobs.rundir import StageDirectory
from jobs.settings import storage_settings
from jobs.stages import open_input
from jobs.verification.found import Verified
from schemas.errors import VerificationError, WardroundError
from schemas.run import RESULTS_VERSION, RUN_KEY, Manifest, RunFile, stage_directory
from workers.finished_runs.documents import read_run


def stages_of(store: Store, manifest: Manifest, found: Verified) -> list[StageDirectory]:
    """Every stage that has its run file, in order, the last one last; a fault for each that is not as it must be."""
    last = _read(store, "", found)
    if last is None:
        return []
    stages = []
    for name, fingerprint in _earlier(last, manifest).items():
        run = _read(store, stage_directory(name), found)
        if run is None:
            continue
        stages.append(StageDirectory(store, stage_directory(name), run))
        if run.stage != name or fingerprint not in (None, run.fingerprint):
            found.fault(f"{stage_directory(name)}{RUN_KEY} is of another stage, or of another run")
    stages.append(StageDirectory(store, "", last))
    there = {stage.run.fingerprint for stage in stages}
    for stage in stages:
        before = stage.run.parts.get("state", {}).get("after")
        if before is not None and before not in there:
            found.fault(f"the stage before {stage.run.stage} is missing, or another run's")
        for wrong in _wrong(stage.run, last):
            found.fault(f"{stage.directory}{RUN_KEY} contradicts itself: {wrong}")
    if manifest.seal is None and last.seal is not None:
        found.fault("manifest.json has lost its seal: it is not as it was written")
    return stages


def _read(store: Store, directory: str, found: Verified) -> RunFile | None:
    try:
        run = read_run(store, directory, seen=True)
    except VerificationError as error:
        found.fault(f"{directory}{error}")
        return None
    if run is None:
        found.fault(f"{directory}{RUN_KEY} is missing: the rows of its stage can be held against nothing")
    return run


def _earlier(last: RunFile, manifest: Manifest) -> Mapping[str, str | None]:
    """Names of the stages before the last one, with their fingerprints where the run says them."""
    if last.earlier is not None:
        return last.earlier
    # Older versions did not write it down, but for collections whose models decide it. Of others the collection knows,
    # where its settings are still understood.
    state = last.parts.get("state", {})
    if "stages" in state:
        return dict.fromkeys(state["stages"][:-1])
    keys = (record.key for record in manifest.files if record.key.endswith(f"/{RUN_KEY}"))
    named = [key.removeprefix("stages/").removesuffix(f"/{RUN_KEY}") for key in keys]
    known: list[str] = []
    if last.parts.get("results_version") == RESULTS_VERSION:
        with suppress(WardroundError, ObjectError):
            known = list(open_input(last.spec, storage_settings(last.spec)).stages[:-1])
    return dict.fromkeys(known if set(named) <= set(known) else named)


def _deciding(run: RunFile, ignores: Sequence[str]) -> Mapping[str, Any]:
    """The spec of a run without what may change from one command to the next, and so from stage to stage, nor settings
    that a stage `ignores`."""
    deciding = run.spec.model_dump(exclude={"limits", "compute", "storage", "report"})
    deciding["input"] = {name: value for name, value in deciding["input"].items() if name not in ignores}
    return deciding


def _wrong(run: RunFile, last: RunFile) -> Iterator[str]:
    """What a run file says twice, and not in the same way."""
    if run.fingerprint != fingerprint_of(run.parts) or run.parts.get("plan") != run.plan.sha256:
        yield "its fingerprint is not that of its parts"
    if run.run_id != run.fingerprint[:12]:
        yield "its run id is not that of its fingerprint"
    if run.name != run.spec.name or _deciding(run, run.ignores) != _deciding(last, run.ignores):
        yield "its name or its spec is not the run's"
    if {name: model.sha256 for name, model in run.models.items()} != run.parts.get("models"):
        yield "its models are not those of its fingerprint"
