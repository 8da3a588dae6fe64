"""Whether a machine, a cluster and a store are fit for a run: one finding a line, each with a remedy."""

import os
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from cluster.doctor import credential_source, ray_token, ray_version, token_mode
from cluster.storage import ObjectError, open_store, parse, probe
from jobs.models import ResolvedModel, resolve_models
from jobs.opening import closed_after
from jobs.plugin_check import examine_plugins
from jobs.preview import first_request, preview
from jobs.reporting.amounts import values_text
from jobs.running import prepare_job
from jobs.settings import output_store, storage_settings
from jobs.stages import StagedJob, open_input
from schemas.errors import MissingExtraError, PluginError, SpecError, WardroundError
from schemas.extras import missing_extra
from schemas.finding import Finding
from schemas.spec import Spec
from schemas.status import Status
from schemas.wording import counted
from workers import registry
from workers.collection import Collection, Examination, TrialStages
from workers.lookup import Room, extra_of
from workers.pipeline.doctor import examine_torch

if TYPE_CHECKING:
    from jobs.trial import Trial

_OLDEST_PYTHON = (3, 11)


def examine(spec: Spec | None) -> Iterator[Finding]:
    """Look at everything, the slow things last; nothing that fails stops the rest.

    With a spec its input, models and output are tried as well: the models by loading them and scoring a few records,
    the output by writing and deleting a few objects.
    """
    checks: list[Callable[[], Iterator[Finding]]] = [_python, _ray, examine_torch, _collections, _plugins, _credentials]
    if spec is None:
        checks.append(_hard_links)
    else:
        checks += [lambda: _address(spec), lambda: _input_and_models(spec), lambda: _output(spec)]
    unfit = False
    for check in checks:
        for finding in check():
            unfit |= finding.state == "fail" and finding.what in ("input", "models")
            yield finding
    if spec is not None and spec.models and not unfit:
        yield from _records(spec)


def _python() -> Iterator[Finding]:
    says = f"{platform.python_version()} on {platform.machine()}, {counted(os.cpu_count() or 1, 'CPU')}"
    if sys.version_info < _OLDEST_PYTHON:
        yield Finding("Python", "fail", says, "install Python 3.11 or newer", 3)
    else:
        yield Finding("Python", "ok", says)


def _ray() -> Iterator[Finding]:
    version = ray_version()
    if version is None:
        yield Finding("Ray", "fail", "not installed", "pip install 'ray[default]', or use compute.pool: serial", 3)
        return
    yield Finding("Ray", "ok", version)
    source = ray_token()
    if token_mode() and not source:
        yield Finding(
            "Ray token", "fail", "RAY_AUTH_MODE is token and there is none", "ray get-auth-token --generate", 3
        )
    elif source:
        yield Finding("Ray token", "ok", f"from {source}, mode {'token' if token_mode() else 'not set'}")
    else:
        yield Finding("Ray token", "ok", "none: a local cluster makes its own; a remote one needs one")


def _collections() -> Iterator[Finding]:
    """What each collection has to say of this machine. What is wrong with a plugin is listed with the plugins."""
    for name, place in registry.collections().items():
        with suppress(PluginError):
            try:
                look: Examination | None = Room(place).find("doctor", "examine")
                yield from look() if look else ()
            except MissingExtraError as error:
                yield Finding(name, "warn", str(error))
            except ModuleNotFoundError as error:
                missed = missing_extra(error, extra_of(place.target))
                if missed is None:
                    raise
                yield Finding(name, "warn", str(missed))


def _plugins() -> Iterator[Finding]:
    for plugin, problem in examine_plugins():
        says = f"{plugin.package} {plugin.version}: {plugin.group} {plugin.name}"
        if problem is None:
            yield Finding("plugin", "ok", says)
        else:
            yield Finding("plugin", "warn", f"{says}: {problem}", "runs that do not use it are not harmed")


def _credentials() -> Iterator[Finding]:
    source = credential_source()
    if source:
        yield Finding("credentials", "ok", f"from {source}")
    else:
        remedy = "for S3 set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or an instance role"
        yield Finding("credentials", "warn", "none found in the AWS chain", remedy)


def _hard_links() -> Iterator[Finding]:
    """The current directory stands for a local output."""

    def look() -> Iterator[str]:
        probe(open_store(os.getcwd()), quick=True)
        yield "this disk keeps the commit's condition"

    return _attempt("hard links", "here", look)


def _address(spec: Spec) -> Iterator[Finding]:
    address = spec.compute.address
    if address is None or spec.compute.pool == "serial":
        yield Finding("cluster", "ok", "embedded, on this machine" if spec.compute.pool == "ray" else "serial, no Ray")
    elif not ray_token():
        yield Finding(
            "cluster", "fail", f"{address} needs a token", "set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH", 3
        )
    else:
        yield Finding("cluster", "ok", f"{address}, token from {ray_token()}")


def _input_and_models(spec: Spec) -> Iterator[Finding]:
    """Each can say of the other how it is to be read: prediction times, scores, frames."""
    storage, uri = storage_settings(spec), str(spec.input.get("uri", "?"))
    opened: list[Collection] = []
    models: dict[str, ResolvedModel] = {}

    def open_it() -> Iterator[str]:
        opened.append(open_input(spec, storage))
        yield from ()

    def find() -> Iterator[str]:
        models.update(resolve_models(spec, storage, opened[0]))
        for name, model in models.items():
            yield f"{name} is {model.record.format}, sha256 {model.record.sha256[:12]}"

    def list_it() -> Iterator[str]:
        job = StagedJob(spec, storage, models, opened[0])
        plan = first_request(job).plan
        with closed_after(plan.batches()) as batches:
            first = next(batches, None)
        if first is not None and first.num_rows:
            yield "can be listed"
        elif not plan.with_models or len(models) == len(spec.models):
            raise SpecError(f"{uri} has no records: check input.uri")
        else:
            yield "can be opened; what it has to give depends on the models"

    yield from _attempt("input", uri, open_it)
    if opened:
        yield from _attempt("models", f"{len(spec.models)} in the spec", find)
        for name, model in models.items():
            yield from (Finding("models", "warn", f"{name}: {remark}") for remark in model.record.remarks)
        yield from _attempt("input", uri, list_it)


def _records(spec: Spec) -> Iterator[Finding]:
    """A few records scored here: every model is loaded, and every file beside the input is read."""
    # It imports what workers do.
    from jobs.trial import FEW, try_out  # noqa: PLC0415

    trials: list[Trial] = []

    def look() -> Iterator[str]:
        job = prepare_job(spec, storage_settings(spec))
        # The first files of an archive do; what goes over all of its input needs all of its plan.
        with preview(job, first_batch=not isinstance(job.collection, TrialStages)) as seen:
            trials.append(try_out(job, seen, FEW, timed=False))
        counted = ", ".join(f"{status} {count}" for status, count in trials[0].statuses.items())
        yield f"{trials[0].records} scored here: {counted}"
        yield from (values_text(values) for values in trials[0].values[:1] if values)

    yield from _attempt("records", "a few", look)
    if trials and not trials[0].statuses.get(Status.OK):
        yield Finding(
            "records", "warn", "not one of them is ok", "look at more of them: wardround plan SPEC --sample 100"
        )


def _output(spec: Spec) -> Iterator[Finding]:
    def look() -> Iterator[str]:
        store = output_store(spec)
        if store.single_committer:
            yield (
                "single committer: nothing is written under a condition: run one driver only, and verify at the end, "
                "as a worker that was given up can still overwrite a shard"
            )
            return
        result = probe(store)
        kind = "hard links" if parse(spec.output.uri).scheme == "file" else "conditional PUT"
        multipart = ", and of multipart uploads" if result.multipart else ""
        yield f"safe: {kind} let one writer of many win, every time{multipart} ({result.seconds:.1f} s)"
        if result.multipart is False:
            yield "multipart uploads are not conditional here; results are committed by PUT alone"
        if result.left:
            yield (
                f"nobody may delete here, so {result.left} objects of a few bytes stay under .wardround-probe/; a run "
                "needs no right to delete, gc and discard do"
            )

    return _attempt("output", spec.output.uri, look)


def _attempt(what: str, where: str, look: Callable[[], Iterator[str]]) -> Iterator[Finding]:
    """What `look` says of `where`, or the error that it ended with."""
    try:
        for says in look():
            yield Finding(what, "ok", f"{where}: {says}")
    except WardroundError as error:
        yield Finding(what, "fail", str(error), exit_code=error.exit_code)
    except ObjectError as error:
        yield Finding(what, "fail", f"{where}: {error}", "correct its uri", 2)
