"""One volume for each person and study, of those that stage `volumes` has found."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from schemas.status import Status
from workers.images.series.facts import SeriesVolume


def of_studies(volumes: Sequence[SeriesVolume]) -> Iterator[tuple[str, SeriesVolume]]:
    """Record id and volume of every study, whose volumes are all among these: the one that was selected.

    Where none was, one whose status says why: of a volume that was wanted and cannot be read, else `not_selected`. A
    record is called as its study, a volume without a study as it is; persons of one study are numbered.
    """
    studies: defaultdict[tuple[str | None, str | None], list[SeriesVolume]] = defaultdict(list)
    for volume in volumes:
        own = None if volume.study_uid else volume.volume_id
        studies[(volume.study_uid or own, volume.subject)].append(volume)
    persons: Counter[str] = Counter(str(name) for name, _ in studies)
    seen: Counter[str] = Counter()
    for (name, _), found in studies.items():
        seen[str(name)] += 1
        number = f"#{seen[str(name)]}" if persons[str(name)] > 1 else ""
        yield f"{name}{number}", min(found, key=_rank)


def _rank(volume: SeriesVolume) -> int:
    """`min` takes the first of the best, and volumes come in the order of the input."""
    return 0 if volume.status is None else 2 if volume.status == Status.NOT_SELECTED else 1
