"""What a kind of job is: what one value of `job:` in a spec means to everything else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.errors import SpecError
from schemas.spec import Limits, Spec
from workers.lookup import Names, Room


@dataclass(frozen=True)
class JobKind:
    """A kind of job; its module in `jobs/` has it as `KIND`. All kinds are run, resumed and verified alike.

    `rooms` are the collections, converters or whatever else reads its input; `key` of `input:` names one of them, None
    where there is one only.
    `rows_dir` is where the rows of its last stage lie in the run directory. `has_models`: it scores with models, at
    least one; otherwise it takes neither models nor, unless it `fits` networks, prepare steps
    and the limits of a fit.
    """

    rooms: Callable[[], Names]
    key: str | None
    rows_dir: str
    has_models: bool
    fits: bool = False

    def name(self, source: Mapping[str, Any]) -> str:
        """The room that `input:` of a spec names. Raises SpecError."""
        rooms = self.rooms()
        if self.key is None:
            return next(iter(rooms))
        if self.key not in source:
            raise SpecError(f"input.{self.key} is missing; known: {', '.join(sorted(rooms))}")
        return rooms.require(source[self.key])

    def room(self, source: Mapping[str, Any]) -> Room:
        """As `name`, and what it leads to. Raises SpecError."""
        return Room(self.rooms()[self.name(source)])

    def check(self, spec: Spec) -> None:
        """Raises SpecError where the spec lacks what this kind of job needs, or has what it would not use."""
        for name in () if self.fits else ("checkpoint_every", "fit_time", "restarts"):
            if getattr(spec.limits, name) != Limits.model_fields[name].default:
                raise SpecError(f"limits.{name}: {_a(spec.job)} job fits nothing; remove it")
        if self.has_models and not spec.models:
            raise SpecError(f"models: {_a(spec.job)} job needs at least one, as name: {{uri: ...}}")
        if not self.has_models and spec.models:
            raise SpecError(f"models: {_a(spec.job)} job has none")
        if not (self.has_models or self.fits) and spec.prepare is not None:
            raise SpecError(f"prepare: {_a(spec.job)} job has no prepare steps; remove it")


def _a(job: str) -> str:
    return f"{'an' if job[0] in 'aeiou' else 'a'} {job}"
