"""One record a person and study."""

from schemas.status import Status
from workers.images.series.facts import SeriesVolume
from workers.images.volumes.planning.studies import of_studies


def volume(name: str, study: str | None, subject: str | None = "p", status: Status | None = None) -> SeriesVolume:
    return SeriesVolume(name, (), status=status, study_uid=study, subject=subject)


def test_the_selected_volume_stands_for_its_study() -> None:
    volumes = [volume("a", "1", status=Status.NOT_SELECTED), volume("b", "1"), volume("c", "2")]
    assert [(name, found.volume_id) for name, found in of_studies(volumes)] == [("1", "b"), ("2", "c")]


def test_without_one_the_volume_that_was_wanted_says_why() -> None:
    volumes = [volume("a", "1", status=Status.NOT_SELECTED), volume("b", "1", status=Status.INCOMPLETE_SERIES)]
    ((name, found),) = of_studies(volumes)
    assert (name, found.status) == ("1", Status.INCOMPLETE_SERIES)


def test_persons_of_one_study_are_told_apart() -> None:
    names = [name for name, _ in of_studies([volume("a", "1", "p"), volume("b", "1", "q"), volume("c", "2")])]
    assert names == ["1#1", "1#2", "2"]


def test_what_has_no_study_is_alone() -> None:
    assert [name for name, _ in of_studies([volume("a.nii", None, None), volume("b.nii", None, None)])] == [
        "a.nii",
        "b.nii",
    ]
