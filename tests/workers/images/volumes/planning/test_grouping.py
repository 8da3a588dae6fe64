"""Objects of a shard to volumes: each object is in one, or has a fault that says why it is in none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from schemas.status import Fault, Status
from tests.support.series import facts_of, made, renamed
from workers.images.series.facts import SliceFacts
from workers.images.volumes.planning.grouping import Grouped, grouped
from workers.images.volumes.planning.texts import facts_of as read_text
from workers.images.volumes.planning.texts import facts_text, volume_of, volume_text


class Same:
    """All pixels are the same, or cannot be read."""

    def __init__(self, fault: Fault | None = None) -> None:
        self.asked: list[str] = []
        self._fault = fault

    def __call__(self, row: Mapping[str, Any], place: int, facts: Sequence[SliceFacts]) -> list[SliceFacts]:
        self.asked.append(row["record_id"])
        return [replace(one, digest="same", fault=self._fault) for one in facts]

    def close(self) -> None:
        """Nothing to stop."""


def rows(facts: Sequence[SliceFacts], together: int = 0) -> list[dict[str, Any]]:
    """Planned objects of one slice each."""
    return [
        {
            "record_id": one.key,
            "header_status": "ok",
            "header_detail": None,
            "affine": None,
            "facts": facts_text([one]),
            "together": together,
        }
        for one in facts
    ]


def without_facts(name: str, status: Status = Status.UNREADABLE) -> dict[str, Any]:
    empty = {"affine": None, "facts": None, "together": 9}
    return {"record_id": name, "header_status": status, "header_detail": "why", **empty}


def only_volume(found: Sequence[Grouped]) -> Any:
    (volume,) = [volume for one in found for volume in one.volumes]
    return volume


def test_slices_of_a_series_are_one_volume_that_stands_at_its_first_object() -> None:
    facts = facts_of(made(5))[::-1]
    found = grouped(rows(facts), Same())
    assert [len(one.volumes) for one in found] == [1, 0, 0, 0, 0]
    assert only_volume(found).shape == (5, 6, 5)
    assert [place.index for one in found for _, place in one.slices] == [4, 3, 2, 1, 0]


def test_pixels_are_read_only_of_objects_that_lie_where_others_do() -> None:
    slices = made(5)
    copy = made(5)[2]
    renamed(copy, "9")
    digests = Same()
    found = grouped(rows(facts_of([*slices, copy])), digests)
    assert digests.asked == ["0002", "0005"]
    assert found[5].detail == "it repeats a slice of the volume, with the same pixels"
    assert found[5].fault is None
    assert only_volume(found).status is None


def test_an_object_without_facts_keeps_its_own_fault() -> None:
    found = grouped([without_facts("letter.txt"), *rows(facts_of(made(3)))], Same())
    assert found[0].fault == Fault(Status.UNREADABLE, "why")
    assert not found[0].slices
    assert only_volume(found).status is None


def test_a_series_that_is_no_volume_says_so_at_every_object() -> None:
    found = grouped(rows(facts_of(made(6)[:2] + made(6)[3:])), Same())
    assert {one.fault.status for one in found if one.fault} == {Status.INCOMPLETE_SERIES}
    assert len(found) == sum(one.fault is not None for one in found)


def test_objects_without_a_series_are_alone_and_called_by_their_keys() -> None:
    facts = [replace(one, series_uid=None, sop_uid="1.2") for one in facts_of(made(2))]
    found = grouped([*rows(facts[:1], 0), *rows(facts[1:], 1)], Same())
    assert [one.volumes[0].volume_id for one in found] == ["0000", "0001"]


def test_a_file_of_three_axes_is_its_own_volume() -> None:
    affine = np.diag([1.0, 2.0, 3.0, 1.0]).ravel().tolist()
    row = {**without_facts("a.nii", Status.OK), "affine": affine, "shape": [4, 5, 6], "stored_bytes": 240}
    (found,) = grouped([{**row, "remark": None}], Same())
    assert found.volumes[0].spacing == (1.0, 2.0, 3.0)
    assert found.volumes[0].orientation == "RAS"
    assert found.fault is None


def test_facts_and_volumes_survive_their_text() -> None:
    facts = [replace(one, fault=Fault(Status.UNREADABLE, "cut"), corner=(3, 4)) for one in facts_of(made(3))]
    for one in facts:
        assert read_text(facts_text([one]), one.key) == [one]
    volume = only_volume(grouped(rows(facts_of(made(4))), Same()))
    assert volume_of(volume_text(volume)) == replace(volume, slices=())
