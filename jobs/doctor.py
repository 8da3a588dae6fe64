"""Whether a machine, a cluster and a store are fit for a run: one finding a line, each with a remedy."""

import os
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress

from cluster.doctor import credential_source, ray_token, ray_version, token_mode
from cluster.storage import ObjectError, open_store, parse, probe
from jobs.models import resolve_models
from jobs.plugin_check import examine_plugins
from jobs.settings import output_store, storage_settings
from jobs.stages import open_input
from schemas.errors import MissingExtraError, PluginError, SpecError, WardroundError
from schemas.finding import Finding
from schemas.spec import Spec
from workers import registry
from workers.collection import Examination
from workers.lookup import Room
from workers.pipeline.doctor import examine_torch

_OLDEST_PYTHON = (3, 11)


def examine(spec: Spec | None) -> Iterator[Finding]:
    """Look at everything, the slow things last; nothing that fails stops the rest.

    With a spec its input, models and output are tried as well: the output by writing and deleting a few objects.
    """
    checks: list[Callable[[], Iterator[Finding]]] = [_python, _ray, examine_torch, _collections, _plugins, _credentials]
    if spec is None:
        checks.append(_hard_links)
    else:
        checks += [lambda: _address(spec), lambda: _input(spec), lambda: _models(spec), lambda: _output(spec)]
    for check in checks:
        yield from check()


def _python() -> Iterator[Finding]:
    says = f"{platform.python_version()} on {platform.machine()}, {os.cpu_count()} CPUs"
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


def _input(spec: Spec) -> Iterator[Finding]:
    def look() -> Iterator[str]:
        collection = open_input(spec, storage_settings(spec))
        first = next(collection.plan(collection.stages[0], [], {}).batches(), None)
        if first is None or not first.num_rows:
            raise SpecError("the input has no records: check input.uri")
        yield "can be listed"

    return _attempt("input", str(spec.input.get("uri", "?")), look)


def _models(spec: Spec) -> Iterator[Finding]:
    def look() -> Iterator[str]:
        storage = storage_settings(spec)
        for name, model in resolve_models(spec, storage, open_input(spec, storage)).items():
            yield f"{name} is {model.record.format}, sha256 {model.record.sha256[:12]}"
            remarks.extend(Finding("models", "warn", f"{name}: {remark}") for remark in model.record.remarks)

    remarks: list[Finding] = []
    yield from _attempt("models", f"{len(spec.models)} in the spec", look)
    yield from remarks


def _output(spec: Spec) -> Iterator[Finding]:
    def look() -> Iterator[str]:
        store = output_store(spec)
        if store.single_committer:
            yield "single committer: nothing is written under a condition, run one driver only"
            return
        result = probe(store)
        kind = "hard links" if parse(spec.output.uri).scheme == "file" else "conditional PUT"
        multipart = " and as many by multipart" if result.multipart else ""
        races = f"{result.rounds} races of {result.contenders} writers each"
        yield f"{kind} held in {races}{multipart}, {result.seconds:.1f} s"
        if result.multipart is False:
            yield "multipart uploads are not conditional here; results are committed by PUT alone"

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
