"""What holds for every step on volumes: hostile input, no writing to the input, any order in memory, a way back."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from schemas.errors import RecordError, SpecError
from schemas.status import Status
from tests.support.made_volumes import affine_of, noise, volume
from workers.images.volumes.back.whole import label_map_back
from workers.images.volumes.prepare.plan import prepared
from workers.images.volumes.steps import STEPS, parse_steps
from workers.images.volumes.volume import Grid, Volume

SETTINGS: dict[str, list[dict[str, Any]]] = {
    "channels": [{"take": [0]}, {"take": [0, 0]}],
    "clip": [{"low": -100, "high": 100}, {"low": 1, "high": 99, "percentiles": True}],
    "crop": [{"size": [3, 0, 99]}, {"size": [2, 2, 2], "start": [0, 1, 0]}],
    "crop_body": [{"above": 100}],
    "crop_foreground": [{}, {"select": "nonzero", "margin": [2, 0, 1], "multiple_of": [4, 4, 4]}],
    "n4": [{"shrink": 1, "iterations": [2], "mask": "none"}],
    "nnunet_normalise": [{"channels": [{"scheme": "z_score"}]}],
    "orient": [{}, {"axes": "SPL"}],
    "pad": [
        {"to": [8, 9, 10]},
        {"multiple_of": [4, 4, 0], "mode": "edge", "at": "end"},
        {"to": [9, 9, 9], "mode": "reflect"},
    ],
    "percentile": [{"low": 1, "high": 99}],
    "resample": [
        {"spacing": [1.5, 1.5, 1.5]},
        {"spacing": [2, 0, 0.7], "method": "nearest"},
        {"spacing": [1, 1, 1], "method": "spline"},
        {"spacing": [1, 1, 1], "method": "spline", "like": "nnunet"},
        {"spacing": [1, 1, 1], "method": "nearest", "like": "nnunet", "separate_z": True},
    ],
    "resize": [{"size": [4, 5, 9]}, {"longest": 9, "method": "linear"}],
    "scale_range": [{"low": 0, "high": 100}],
    "z_score": [{}, {"nonzero": True, "channel_wise": True}],
}  # fmt: skip
STEP_LIST = [(name, settings) for name, many in SETTINGS.items() for settings in many]
IDS = [f"{name}-{i}" for i, (name, _) in enumerate(STEP_LIST)]
every_step = pytest.mark.parametrize(("name", "settings"), STEP_LIST, ids=IDS)
TYPES = [
    "bool",
    "uint8",
    "int8",
    "uint16",
    "int16",
    "int32",
    "uint32",
    "int64",
    "float16",
    "float32",
    "float64",
    ">i2",
    ">f4",
]
AFFINE = affine_of("LPS", (0.7, 0.8, 2.5))


def _applied(name: str, settings: dict[str, Any], given: Volume) -> Volume | None:
    """The prepared volume, None where the step rejects it by name as out of contract."""
    try:
        return prepared(parse_steps([{name: settings}]), given)
    except RecordError as error:
        if error.status is Status.OUT_OF_CONTRACT and repr(name) in error.detail:
            return None
        raise


def test_every_step_is_tried_here_and_the_table_is_in_order() -> None:
    assert set(SETTINGS) == set(STEPS)
    assert list(STEPS) == sorted(STEPS)
    assert all(STEPS[name].name == name for name in STEPS)


@every_step
def test_any_type_is_prepared_or_out_of_contract_and_not_written_to(name: str, settings: dict[str, Any]) -> None:
    for dtype in TYPES:
        voxels = noise((6, 7, 5), dtype=dtype)
        voxels.flags.writeable = False
        before = voxels.copy()
        result = _applied(name, settings, volume(voxels, AFFINE))
        np.testing.assert_array_equal(voxels, before)
        if result is not None:
            assert result.voxels.flags.c_contiguous
            assert result.voxels.dtype in (np.uint8, np.int8, np.uint16, np.int16, np.float32)
            assert result.voxels.shape[1:] == result.grid.shape
            assert np.isfinite(result.voxels).all()


@every_step
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 6, 7), (9, 1, 1)])
def test_a_volume_of_one_voxel_along_an_axis_is_prepared_or_out_of_contract(
    name: str, settings: dict[str, Any], shape: Any
) -> None:
    for value in (0, 7):
        result = _applied(name, settings, volume(np.full((2, *shape), value, np.int16), AFFINE))
        assert result is None or np.isfinite(result.voxels).all()


@every_step
def test_the_order_in_memory_does_not_change_the_result(name: str, settings: dict[str, Any]) -> None:
    voxels = noise((6, 7, 5), channels=2, dtype=np.int16)
    for view in (np.asfortranarray(voxels), voxels[:, ::-1][:, :, ::-1].copy()[:, ::-1][:, :, ::-1]):
        one, other = (_applied(name, settings, volume(array, AFFINE)) for array in (view, voxels))
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            np.testing.assert_allclose(one.voxels, other.voxels, rtol=1e-5, atol=1e-4)


@every_step
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinities_never_reach_a_network(name: str, settings: dict[str, Any], bad: float) -> None:
    voxels = noise((6, 7, 5))
    voxels[0, 3, 3, 3] = bad
    result = _applied(name, settings, volume(voxels, AFFINE))
    assert result is None or np.isfinite(result.voxels).all()


@every_step
def test_what_lies_nowhere_is_out_of_contract(name: str, settings: dict[str, Any]) -> None:
    flat, without, unknown = AFFINE.copy(), AFFINE.copy(), AFFINE.copy()
    flat[:, 2] = flat[:, 1]
    without[:, 0] = 0
    unknown[0, 3] = np.nan
    for affine in (flat, without, unknown):
        assert _applied(name, settings, volume(noise((6, 7, 5)), affine)) is None
    for voxels in (
        np.zeros((1, 0, 3, 3)),
        np.zeros((0, 3, 3, 3)),
        np.zeros((3, 3, 3)),
        np.zeros((1, 2, 2, 2), complex),
    ):
        assert _applied(name, settings, Volume(voxels, Grid(voxels.shape[-3:], AFFINE))) is None
    assert _applied(name, settings, Volume(noise((6, 7, 5)), Grid((7, 6, 5), AFFINE))) is None


@every_step
def test_it_has_a_way_back_to_the_grid_that_was_read(name: str, settings: dict[str, Any]) -> None:
    given = volume(np.abs(noise((6, 7, 5), dtype=np.int16)), AFFINE)
    result = _applied(name, settings, given)
    if result is not None:
        labels = label_map_back(np.ones(result.grid.shape, np.uint8), result.back, result.grid)
        assert labels.shape == given.grid.shape


def test_without_steps_the_voxels_themselves_come_back() -> None:
    given = volume(noise((3, 4, 5), dtype=np.int16))
    assert prepared((), given).voxels is given.voxels


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (["orientt"], r"prepare\[0\]: unknown step 'orientt', did you mean 'orient'"),
        ([{"resample": {"spacing": [1, 1]}}], r"resample: spacing"),
        ([{"resample": {"spacing": [1, 1, -1]}}], r"resample: spacing"),
        ([{"resample": {"spacing": [1, 1, 1], "separate_z": True}}], "separate_z belongs to like: nnunet"),
        ([{"resize": {"size": [1, 1, 1], "longest": 3}}], "either size or longest"),
        ([{"pad": {}}], "either to or multiple_of"),
        ([{"scale_range": {"low": 3, "high": 3}}], "low must be below high"),
        ([{"channels": {"take": []}}], "channels: take"),
    ],
)
def test_an_error_names_the_step_and_the_key(raw: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        parse_steps(raw)


def test_reading_a_spec_loads_no_library_that_computes() -> None:
    code = (
        "import sys; from workers.images.volumes.steps import STEPS; dict(STEPS);"
        "heavy = {'SimpleITK', 'torch', 'monai', 'scipy', 'cc3d', 'nibabel'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
