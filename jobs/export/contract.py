"""What a format of export is: its options, and what it writes of a run."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from jobs.export.target import Target
from schemas.frozen import Frozen
from workers.finished_runs.run import FinishedRun


@dataclass(frozen=True)
class Written:
    """What an export wrote: `figures` for `export.json` and scripts, `rows` of a table and `notes` for people."""

    figures: Mapping[str, Any]
    rows: Sequence[tuple[str, str]]
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class ExportPlan:
    """An export of one run before anything is written.

    `parts` decide its files beside the run and are its fingerprint; `keys` are all files that it may write; `write`
    creates them. Figures depend on nothing but the run and `parts`.
    """

    parts: Mapping[str, Any]
    keys: Collection[str]
    write: Callable[[Target], Written]


class Export(Frozen, ABC):
    """A format: its fields are its options, on the command line too. One line in `jobs.export.EXPORTS` makes it known.

    `format` is its name, `title` says what is written.
    """

    format: ClassVar[str]
    title: ClassVar[str]

    @abstractmethod
    def plan(self, source: FinishedRun) -> ExportPlan:
        """Look at the run. Raises UsageError where it has not what the format needs."""
