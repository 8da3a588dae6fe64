"""Figures of several binary outcomes together: of labels that may be true of one record at once."""

from collections.abc import Iterator, Mapping, Sequence

from workers.evaluation.figure import Figure, count
from workers.statistics import confusion, discrimination
from workers.statistics.confusion import Confusion, confusion_at
from workers.statistics.estimate import Estimate, undefined
from workers.statistics.ranks import Ranks, merge

_AREAS = {"auroc": discrimination.auroc, "average_precision": discrimination.average_precision}
_RATES = ("sensitivity", "specificity", "ppv", "f1")
Points = Mapping[str, Mapping[str, float]]


def together(ranks: Mapping[str, Ranks], points: Points) -> Iterator[Figure]:
    """Macro: the mean of the outcomes' own figures. Micro: the figure of all pairs of row and outcome as one table.

    An outcome whose truth a row lacks is not counted for it. Operating points are those whose name every outcome has.
    None has an interval: the pairs of one row are not independent.
    """
    parts = list(ranks.values())
    yield count("pairs", sum(part.rows for part in parts))
    for name, area in _AREAS.items():
        yield Figure(f"macro_{name}", _mean({outcome: area(part) for outcome, part in ranks.items()}))
        yield Figure(f"micro_{name}", _bare(area(merge(parts))))
    for point in _shared(list(ranks), points):
        counts = {outcome: confusion_at(part, points[outcome][point]) for outcome, part in ranks.items()}
        for name in _RATES:
            figure = confusion.FIGURES[name]
            own = {outcome: figure(one) for outcome, one in counts.items()}
            yield Figure(f"macro_{name}", _mean(own), point)
            yield Figure(f"micro_{name}", _bare(figure(_sum(list(counts.values())))), point)


def _shared(outcomes: Sequence[str], points: Points) -> list[str]:
    return [point for point in points[outcomes[0]] if all(point in points[outcome] for outcome in outcomes)]


def _sum(counts: Sequence[Confusion]) -> Confusion:
    return Confusion(
        sum(one.true_positives for one in counts),
        sum(one.false_positives for one in counts),
        sum(one.false_negatives for one in counts),
        sum(one.true_negatives for one in counts),
    )


def _mean(own: Mapping[str, Estimate]) -> Estimate:
    """Over the outcomes that have the figure; the note names the others."""
    known = [one.value for one in own.values() if one.value is not None]
    if not known:
        return undefined("no outcome has it")
    without = sorted(outcome for outcome, one in own.items() if one.value is None)
    return Estimate(sum(known) / len(known), note=f"without {', '.join(without)}" if without else "")


def _bare(found: Estimate) -> Estimate:
    return Estimate(found.value, note=found.note if found.value is None else "")
