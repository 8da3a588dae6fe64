"""The STARD-AI table of an evaluation's report: what is told where, and what is not stated.

After Sounderajah et al., Nature Medicine 2025;31:3283; items in groups and in our own words.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from cluster.storage import Store
from schemas.checklist import Checklist, ChecklistItem
from schemas.loading import validate
from schemas.picture import anchor_of
from schemas.run import RunFile
from workers.evaluation.columns import TEST
from workers.evaluation.documents import METRICS_JSON
from workers.evaluation.settings import EvaluateInput

_SOURCE = (
    "Sounderajah et al., Nature Medicine 2025;31:3283. Items in groups and in our own words: this table helps to find "
    "and to fill, it is no claim of adherence. The author's words stand under input.statements of the spec; "
    "wardround report SPEC takes them up."
)
_INTERVALS = "DeLong, Wilson, logarithms and resampling as metrics.json says"
Json = Mapping[str, Any]


def checklists(store: Store, run: RunFile, source: Mapping[str, Any]) -> Iterator[Checklist]:
    """One table. `source` is `input:` of the spec as it is today, for the author's words."""
    document = json.loads(store.get(METRICS_JSON))
    asked = {**run.spec.input, "statements": source.get("statements", {})}
    # An evaluation by an older version does not say what the run was that it evaluated.
    if "evaluated" in document:
        found = _Items(document, run, validate(EvaluateInput, asked, "input"))
        yield Checklist("STARD-AI", _SOURCE, tuple(found.items()))


class _Items:
    """The items of one evaluation."""

    def __init__(self, document: Json, run: RunFile, source: EvaluateInput) -> None:
        self._document = document
        self._run = run
        self._source = source
        self._statements: Mapping[str, str] = {str(item): text for item, text in source.statements.items()}
        self._outcome = anchor_of(next(iter(source.outcomes)))

    def items(self) -> Iterator[ChecklistItem]:
        """In the guideline's order."""
        evaluated = self._document["evaluated"]
        flow = self._flow()
        yield self._author("1-4", "title, summary, intended use, place in the workflow, objectives", self._summary())
        dates = f"scored by a run planned {evaluated['planned']}; this evaluation was planned {self._run.created}"
        yield ChecklistItem("5", "retrospective or prospective", dates, "decided")
        yield self._author("6", "ethics approval, or why none")
        yield ChecklistItem("7", "exclusions, of persons and of data, in their order", flow, self._outcome)
        yield self._author("8-11", "basis, sites, dates and source of the data", self._data())
        yield self._author("12", "who annotated, with which experience")
        yield ChecklistItem("13-14", "devices, acquisition, every step of preparing", _prepared(evaluated), "decided")
        yield ChecklistItem("15a-b", "the model: version, how a prediction arises", _models(evaluated), "decided")
        yield ChecklistItem("15c", "thresholds, their rule and where chosen", self._thresholds(), "account")
        truths = "; ".join(f"{name}: {one.truth}" for name, one in self._source.outcomes.items())
        yield self._author("16-17", "reference standard, cut-offs, horizon, blinding", f"columns of truth {truths}")
        yield ChecklistItem("18", "intervals and clustering", f"{self._source.level:.0%}; {_INTERVALS}", "account")
        yield ChecklistItem("19-20", "indeterminate and missing results, with bounds", flow, self._outcome)
        yield ChecklistItem("21-23", "variation by site, device, group; fairness", self._groups(), "account")
        yield ChecklistItem("24", "flow of records that adds up", flow, self._outcome)
        yield ChecklistItem("25, 28-29", "case mix, other prevalences", self._prevalence(), "account")
        yield ChecklistItem("30-31", "tables, distributions, estimates, calibration, net benefit", "figures", "account")
        before_after = "recalibration: what, where fitted, before and after"
        yield ChecklistItem("TRIPOD+AI 12f", before_after, self._again(), self._outcome)
        yield self._author("32-39", "adverse events, limitations, registration, funding")
        yield self._author("40", "availability of model, data and outputs", "manifest.json names every file", "where")

    def _author(self, number: str, asks: str, told: str = "", anchor: str = "") -> ChecklistItem:
        return ChecklistItem(number, asks, told, anchor, by_author=True, statement=self._statements.get(number, ""))

    def _summary(self) -> str:
        parts = [f"{self._run.name}"]
        for name, outcome in self._document["outcomes"].items():
            found = {row["figure"]: row for row in outcome["all"] if not row["point"]}
            rows = f"{found['rows']['value']:,.0f} rows" if "rows" in found else ""
            area = found.get("auroc", {}).get("value")
            parts.append(f"{name}: {rows}" + (f", area {area:.3f}" if area is not None else ""))
        return "; ".join(parts)

    def _flow(self) -> str:
        """What became of the rows, of the first outcome: the diagrams have all of them."""
        first = next(iter(self._source.outcomes))
        cells = [cell for cell in self._document["flow"] if cell["outcome"] == first]
        parts: Counter[str] = Counter()
        for cell in cells:
            parts[cell["state"] if cell["part"] == TEST else cell["part"]] += cell["rows"]
        told = ", ".join(f"{part} {rows:,}" for part, rows in parts.items())
        return f"{sum(parts.values()):,} rows of the run: {told}"

    def _data(self) -> str:
        labels = "" if self._source.labels is None else f"; labels {self._source.labels.uri}"
        return f"run {self._source.run}{labels}"

    def _thresholds(self) -> str:
        found = [
            f"{name} {point}: {one['value']:.4g} ({'given' if one['rule'] == 'given' else 'by a rule on tuning rows'})"
            for name, outcome in self._document["outcomes"].items()
            for point, one in outcome["thresholds"].items()
        ]
        return "; ".join(found)

    def _groups(self) -> str:
        hidden = f", counts below {self._source.suppress_below} not shown" if self._source.suppress_below else ""
        return f"by {', '.join(self._source.groups)}{hidden}" if self._source.groups else ""

    def _prevalence(self) -> str:
        shares = ", ".join(f"{one:g}" for one in self._source.prevalence)
        return f"PPV and NPV at {shares}" if shares else ""

    def _again(self) -> str:
        asked = self._source.calibration
        if asked is None:
            return "none was done"
        return f"{asked.method}, on tuning rows" + (f", by {asked.by}" if asked.by else "")


def _models(evaluated: Json) -> str:
    told = (f"{name}: {one['format']}, sha256 {one['sha256']}" for name, one in evaluated["models"].items())
    return "; ".join(told)


def _prepared(evaluated: Json) -> str:
    steps = (f"{name}: {', '.join(map(_step, steps))}" for name, steps in evaluated["prepare"].items() if steps)
    carried = f"carried: {', '.join(evaluated['carried'])}" if evaluated["carried"] else ""
    return "; ".join([*steps, *([carried] if carried else [])])


def _step(step: Any) -> str:
    return step if isinstance(step, str) else next(iter(step))
