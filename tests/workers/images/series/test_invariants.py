"""What holds for any slices, however wild: each is in one entry, ids are unique, order does not matter."""

from __future__ import annotations

import math
import random
from collections import Counter

import numpy as np
import pytest

from schemas.status import Fault, Status
from workers.images.series.facts import SliceFacts
from workers.images.series.object_rows import object_rows
from workers.images.series.plan_volumes import keys_to_compare, plan_volumes

AXIAL = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
SAGITTAL = ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0))


def _wild(rng: random.Random, number: int) -> SliceFacts:
    """A slice about which nearly everything may be odd."""
    extra = {
        "EchoTime": rng.choice([None, 5.0, 5.00001, 9.0]),
        "AcquisitionNumber": rng.choice([1, 1, 2, "x", None]),
        "AcquisitionTime": rng.choice([None, "120000", f"12{number:04}"]),
        "DiffusionGradientOrientation": rng.choice([None, [1.0, 0.0, 0.0], (0.0, 1.0, 0.0)]),
        "DimensionIndexValues": rng.choice([None, 1, (1, 2)]),
    }
    return SliceFacts(
        key=f"{number // rng.choice([1, 1, 3]):03}",
        frame=number,
        series_uid=rng.choice(["1.2", "1.2", "1.2", "1.3", None]),
        study_uid=rng.choice(["5", "5", "5", "5", "5", "6", None]),
        frame_of_reference=rng.choice(["7", "7", None]),
        sop_uid=rng.choice([f"9.{number}", "9", None]),
        sop_class=None,
        modality="MR",
        rows=rng.choice([8, 8, 8, 9, 0]),
        columns=8,
        samples=1,
        pixel_spacing=rng.choice([(1.0, 1.0), (1.0, 1.0), (1.0, 1.00001), (2.0, 1.0), (0.0, 1.0), None]),
        orientation=rng.choice([AXIAL, AXIAL, AXIAL, SAGITTAL, ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0)), None]),
        position=rng.choice([(0.0, 0.0, 2.0 * (number % 7)), (0.0, 0.0, rng.random()), (0.0, math.nan, 0.0), None]),
        thickness=None,
        instance_number=rng.choice([number, number, 3, None]),
        image_type=rng.choice([("ORIGINAL",), ("ORIGINAL", "LOCALIZER"), ()]),
        extra={name: value for name, value in extra.items() if value is not None},
        digest=rng.choice([None, "a", "b"]),
        fault=rng.choice([None, None, None, Fault(Status.UNREADABLE, "cut off")]),
    )


@pytest.mark.parametrize("seed", range(60))
def test_every_slice_is_in_exactly_one_entry_whatever_it_says(seed: int):
    rng = random.Random(seed)
    facts = [_wild(rng, number) for number in range(rng.choice([1, 2, 3, 10, 30]))]
    volumes = plan_volumes(facts)
    assert plan_volumes(rng.sample(facts, len(facts))) == volumes
    placed = Counter((one.key, one.frame) for volume in volumes for one in volume.slices)
    assert max(placed.values()) == 1
    copies = Counter(key for volume in volumes for key in volume.duplicates)
    assert Counter(key for key, _ in placed) + copies == Counter(one.key for one in facts)
    assert len({volume.volume_id for volume in volumes}) == len(volumes)
    assert [row.key for row in object_rows(volumes, facts, {})] == sorted({one.key for one in facts})
    assert keys_to_compare(facts) <= {one.key for one in facts if one.digest is None}


@pytest.mark.parametrize("seed", range(8))
def test_a_volume_that_is_ok_has_one_slice_at_each_index_where_its_affine_says(seed: int):
    rng = random.Random(1000 + seed)
    facts = [_wild(rng, number) for number in range(200)]
    where = {(one.key, one.frame): one.position for one in facts}
    for volume in plan_volumes(facts):
        if volume.status is not None:
            continue
        assert volume.shape is not None
        assert [one.index for one in volume.slices] == list(range(volume.shape[2]))
        for one in volume.slices:
            x, y, z, _ = np.array(volume.affine) @ [0, 0, one.index, 1]
            assert (-x, -y, z) == pytest.approx(where[(one.key, one.frame)], abs=0.1)
