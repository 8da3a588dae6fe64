"""One row for each object, whatever became of it."""

from __future__ import annotations

import copy
from dataclasses import replace

from schemas.status import Fault, Status
from tests.support.dicom_files import stored
from tests.support.series import ROOT, facts_of, made, renamed
from workers.images.series.object_rows import object_rows
from workers.images.series.plan_volumes import plan_volumes


def test_every_object_has_exactly_one_row():
    slices = made()
    localizer = copy.deepcopy(slices[0])
    localizer.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    facts = facts_of([*slices, localizer, stored(made(3, series=f"{ROOT}.9")[0])[:-30]])
    rows = object_rows(plan_volumes(facts), facts, {"report": Fault(Status.NO_PIXELS, "no image")})
    assert [row.key for row in rows] == [f"{number:04}" for number in range(10)] + ["report"]
    assert [(row.index, row.status) for row in rows[:8]] == [(index, Status.OK) for index in range(8)]
    assert {row.volume_id for row in rows[:8]} == {f"{ROOT}.7"}
    assert rows[8].status is Status.LOCALIZER
    assert (rows[9].status, rows[9].volume_id) == (Status.UNREADABLE, f"{ROOT}.9")
    assert (rows[10].status, rows[10].volume_id, rows[10].detail) == (Status.NO_PIXELS, None, "no image")


def test_the_slice_that_is_cut_off_is_named_and_its_volume_is_incomplete():
    bodies = [stored(slice_) for slice_ in made()]
    for at in (0, 3, 7):
        facts = facts_of([body[:-20] if index == at else body for index, body in enumerate(bodies)])
        (volume,) = plan_volumes(facts)
        assert (volume.status, volume.missing) == (Status.INCOMPLETE_SERIES, (at,))
        assert volume.detail == f"1 of 8 slices are missing, counted from 0: {at}; 1 of them cannot be read"
        rows = object_rows([volume], facts, {})
        assert [row.status for row in rows].count(Status.UNREADABLE) == 1
        assert rows[at].status is Status.UNREADABLE
        assert {row.status for row in rows if row.key != f"{at:04}"} == {Status.INCOMPLETE_SERIES}


def test_a_series_none_of_which_can_be_read_says_why():
    facts = [replace(one, fault=Fault(Status.UNSUPPORTED, "no decoder")) for one in facts_of(made())]
    (volume,) = plan_volumes(facts)
    assert (volume.status, volume.detail) == (Status.UNSUPPORTED, "no decoder")


def test_a_copy_says_that_another_was_taken():
    slices = made()
    again = copy.deepcopy(slices[3])
    renamed(again, "9")
    facts = [replace(one, digest=one.key if one.key != "0008" else "0003") for one in facts_of([*slices, again])]
    rows = object_rows(plan_volumes(facts), facts, {})
    assert (rows[8].status, rows[8].index) == (Status.OK, None)
    assert "another object" in rows[8].detail
