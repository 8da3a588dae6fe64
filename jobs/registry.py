"""Every kind of job, by the name that a spec gives in `job:`: ours, and those of installed packages."""

from jobs.kind import JobKind
from schemas.errors import PluginError
from schemas.spec import Spec
from workers import plugins
from workers.lookup import Names

JOBS: dict[str, str] = {
    "predict": "jobs.predict:KIND",
    "convert": "jobs.convert:KIND",
    "evaluate": "jobs.evaluate:KIND",
    "train": "jobs.train:KIND",
}


def kinds() -> Names:
    """What `job:` may name."""
    return Names("job", JOBS, plugins.JOBS)


def job_kind(name: str) -> JobKind:
    """Raises SpecError for one that is not known, PluginError for one that is no kind of job."""
    found = kinds().load(name)
    if not isinstance(found, JobKind):
        raise PluginError(f"job {name!r}: {kinds()[name].plugin} names no JobKind: correct the package")
    return found


def kind_of(spec: Spec) -> JobKind:
    """The kind of job of a spec, which has what that kind needs. Raises SpecError."""
    kind = job_kind(spec.job)
    kind.check(spec)
    return kind
