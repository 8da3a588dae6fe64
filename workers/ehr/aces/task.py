"""A cohort definition, ready to be applied to events."""

from dataclasses import dataclass

import polars as pl

from schemas.errors import SpecError
from workers.ehr.aces.config import Config
from workers.ehr.aces.extract import extract
from workers.ehr.aces.predicates import check_regexes, columns_of, timeline_of
from workers.ehr.aces.reading import read_config
from workers.ehr.aces.tree import Tree, build_tree


@dataclass(frozen=True)
class Task:
    """An ACES file that was understood. `columns` of the events are what it looks at."""

    config: Config
    tree: Tree
    columns: tuple[str, ...]
    where: str

    @property
    def has_labels(self) -> bool:
        """Whether rows have a label."""
        return bool(self.tree.label)

    def rows(self, events: pl.DataFrame) -> pl.DataFrame:
        """Prediction times of these subjects, whole histories of MEDS events in any order.

        Columns: `subject_id` int64, `prediction_time` datetime[us] and, where the file has a label, `boolean_value`;
        sorted by the first two, which name each row once: triggers that lead to the same time of prediction are one
        row. What comes out for a subject does not depend on the others.

        Raises SpecError for events that lack a column, and for one time of prediction with both labels.
        """
        timeline = timeline_of(events, self.config, self._used(), self.where)
        found = extract(timeline, self.config.trigger, self.tree)
        columns = {
            "subject_id": pl.Series(found.subjects, dtype=pl.Int64),
            "prediction_time": pl.Series(found.prediction_times, dtype=pl.Int64).cast(pl.Datetime("us")),
        }
        if found.labels is not None:
            columns["boolean_value"] = pl.Series(found.labels, dtype=pl.Boolean)
        rows = pl.DataFrame(columns).unique()
        keys = rows.select("subject_id", "prediction_time")
        if rows.height != keys.n_unique():
            raise SpecError(
                f"{self.where}: {rows.height - keys.n_unique()} times of prediction have both labels, since several "
                "triggers share them: narrow the trigger or choose another index_timestamp"
            )
        return rows.sort("subject_id", "prediction_time")

    def _used(self) -> set[str]:
        events = {node.bound.event for node in self.tree.nodes if node.bound.event}
        asked = {name for node in self.tree.nodes for name in node.has}
        return events | asked | {self.config.trigger} | ({self.tree.label} if self.tree.label else set())


def compile_task(text: str, predicates: str | None = None, where: str = "task") -> Task:
    """Understand an ACES file; `predicates` is the text of a second one that fills in or replaces its predicates.

    `where` is what messages call it. Raises SpecError that names the place.
    """
    config = read_config(text, predicates, where)
    check_regexes(config, where)
    return Task(config, build_tree(config, where), columns_of(config), where)
