"""Names of what the stages hand on."""

from workers.evaluation.settings import EvaluateInput

JOIN = "join"
FIGURES = "figures"

RECORD = "run.record"
"""Column of rows of the run: their `record_id`."""
PART = "part"
"""Column of joined rows: `test`, `tuning`, or null for rows of neither."""
SUBJECT = "subject"
CALIBRATED_BY = "calibration.by"
"""Column of joined rows: the value whose map a score goes through, as text."""
TEST, TUNING = "test", "tuning"


def score_column(outcome: str, name: str = "") -> str:
    """The column with the score of an outcome, float64; with that of one of its classes."""
    return f"score.{outcome}.{name}" if name else f"score.{outcome}"


def other_column(outcome: str) -> str:
    """The column with the score that the other run has, float64."""
    return f"other.{outcome}"


def truth_column(outcome: str) -> str:
    """The column with what was true, float64; 1 or 0 for a binary outcome."""
    return f"truth.{outcome}"


def spans_column(outcome: str) -> str:
    """The column with the counts of spans by label, of an outcome of spans."""
    return f"spans.{outcome}"


def masks_column(outcome: str) -> str:
    """The column with what each structure comes to, of an outcome of label maps."""
    return f"masks.{outcome}"


def fault_column(outcome: str) -> str:
    """The column that says why a row's masks cannot be held against its label map, null where they can."""
    return f"fault.{outcome}"


def group_column(group: str) -> str:
    """The column with the value or band of a group, text."""
    return f"group.{group}"


def side_column(column: str) -> str:
    """A column of rows or labels that an evaluation does not use: in some of the joined files, to be looked at."""
    return f"side.{column}"


def wanted(source: EvaluateInput) -> dict[str, str]:
    """Columns that an evaluation reads besides scores, each with what asks for it."""
    found = {outcome.truth: f"outcomes.{name}.truth" for name, outcome in source.outcomes.items()}
    found |= {group.column or name: f"groups.{name}" for name, group in source.groups.items() if not group.cross}
    if source.calibration is not None and source.calibration.by:
        found[source.calibration.by] = "calibration.by"
    for key in ("tuning", "test"):
        found |= {column: f"{key}.{column}" for column in getattr(source, key)}
    return found
