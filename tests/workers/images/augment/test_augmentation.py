"""A list of steps on a batch: order, chance, and one resampling for neighbours."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from schemas.errors import SpecError
from workers.contract import Array
from workers.images.augment import augmentation
from workers.images.augment.augmentation import Augmentation
from workers.images.augment.base import AugmentStep
from workers.images.augment.flip import Flip
from workers.images.augment.rotate import Rotate
from workers.images.augment.steps import AUGMENT, parse_augment

EVERYTHING: list[Any] = [
    "flip",
    {"rotate": {"degrees": 10}},
    {"shift": {"rows": 0.2}},
    {"scale": {"factor": 1.5, "border": "reflect"}},
    "intensity",
    {"noise": {"probability": 0.5}},
    "blur",
    "cutout",
    {"mixup": {"alpha": 0.4}},
]
Batch = list[Array]


def batch(count: int = 6, dtype: str = "uint8") -> Batch:
    chance = np.random.default_rng(0)
    return [(chance.random((16, 14)) * 200).astype(dtype) for _ in range(count)]


def augmented(raw: list[Any], images: Batch, seed: int = 1) -> tuple[Batch, Array]:
    targets = np.arange(len(images), dtype=np.float64)[:, None] % 2
    return Augmentation(parse_augment(raw), "binary")(images, targets, np.random.default_rng(seed))


def test_a_list_is_read_in_order() -> None:
    assert [step.name for step in parse_augment(EVERYTHING)] == [
        next(iter(entry)) if isinstance(entry, dict) else entry for entry in EVERYTHING
    ]


def test_every_line_of_the_table_is_a_step_of_that_name() -> None:
    assert list(AUGMENT) == sorted(AUGMENT)
    for name in AUGMENT:
        assert AUGMENT[name].name == name


def test_every_step_has_defaults() -> None:
    assert [step.name for step in parse_augment(list(AUGMENT))] == list(AUGMENT)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (["rotat"], r"augment\[0\]: unknown step 'rotat', did you mean 'rotate'"),
        (["flip", {"rotate": {"degree": 3}}], r"augment\[1\] rotate: unknown key 'degree', did you mean 'degrees'"),
        ({"flip": {}}, "augment: expected a list"),
        ([{"flip": True}], r"augment\[0\] flip: true is no setting"),
        ([{"noise": {"probability": 0}}], r"augment\[0\] noise: probability: must be more than 0"),
        ([{"shift": {"rows": 0, "columns": 0}}], r"augment\[0\] shift: .*nothing would move"),
        ([{"scale": {"factor": 1}}], r"augment\[0\] scale: .*nothing would change"),
        ([{"intensity": {"brightness": 0, "contrast": 1, "gamma": 1}}], r"intensity: .*nothing would change"),
    ],
)
def test_an_error_names_the_entry_the_key_and_the_nearest_name(raw: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        parse_augment(raw)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "float32"])
def test_everything_at_once_keeps_shapes_types_and_what_it_was_given(dtype: str) -> None:
    images = batch(dtype=dtype)
    before = [one.copy() for one in images]
    found, targets = augmented(EVERYTHING, images)
    assert [(one.shape, one.dtype) for one in found] == [((16, 14), np.dtype(dtype))] * 6
    assert targets.shape == (6, 1)
    assert all(np.isfinite(one).all() for one in found)
    assert all(np.array_equal(one, old) for one, old in zip(images, before, strict=True))
    assert not any(np.array_equal(one, old) for one, old in zip(found, before, strict=True))


def test_the_generator_is_the_only_source_of_chance() -> None:
    images = batch()
    one, other, third = (augmented(EVERYTHING, images, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(left, right) for left, right in zip(one[0], other[0], strict=True))
    assert np.array_equal(one[1], other[1])
    assert not any(np.array_equal(left, right) for left, right in zip(one[0], third[0], strict=True))


def test_images_of_a_batch_have_chances_of_their_own() -> None:
    found, _ = augmented(EVERYTHING[:-1], [batch(1)[0]] * 8)
    assert len({one.tobytes() for one in found}) == 8


def test_no_steps_change_nothing() -> None:
    images = batch()
    found, targets = augmented([], images)
    assert all(one is old for one, old in zip(found, images, strict=True))
    assert targets[:, 0].tolist() == [0, 1, 0, 1, 0, 1]


def test_a_step_is_done_as_often_as_its_probability_says() -> None:
    images = batch(1) * 1000
    found, _ = augmented([{"flip": {"probability": 0.2}}], images)
    changed = sum(not np.array_equal(one, images[0]) for one in found)
    assert 150 < changed < 250


def test_steps_are_done_in_the_order_in_which_they_stand() -> None:
    """Noise after a blur is rough, noise before it is smooth."""
    rough, smooth = (
        np.abs(np.diff(np.stack(augmented(steps, batch(20, "float32"))[0]), axis=1)).mean()
        for steps in (["blur", {"noise": {"std": 1}}], [{"noise": {"std": 1}}, {"blur": {"sigma": 3}}])
    )
    assert rough > 1.5 * smooth


def test_neighbours_that_move_pixels_are_one_resampling(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    plain = augmentation.warped

    def counted(pixels: Array, back: Array, border: Any) -> Array:
        calls.append(border)
        return plain(pixels, back, border)

    monkeypatch.setattr(augmentation, "warped", counted)
    augmented([{"rotate": {}}, "flip", {"shift": {}}, "blur", {"scale": {"border": "reflect"}}, "flip"], batch(1))
    assert calls == ["edge", "reflect"]
    calls.clear()
    augmented([{"rotate": {}}, {"shift": {"border": "reflect"}}], batch(1))
    assert calls == ["edge", "reflect"]


def test_images_of_several_shapes_are_changed_each_in_its_own() -> None:
    images = [*batch(2), np.zeros((5, 40, 3), np.float32) + np.arange(40, dtype=np.float32)[:, None]]
    found, _ = augmented(EVERYTHING[:-1], images)
    assert [one.shape for one in found] == [(16, 14), (16, 14), (5, 40, 3)]


def test_settings_are_frozen() -> None:
    steps: list[AugmentStep] = [Flip(), Rotate()]
    for step in steps:
        with pytest.raises(ValueError, match="frozen"):
            step.probability = 0.1


def test_reading_a_list_loads_no_library_that_computes() -> None:
    code = (
        "import sys; from workers.images.augment.steps import AUGMENT; from workers.images.augment import augmentation;"
        "dict(AUGMENT); print(sorted({'cv2', 'torch', 'scipy', 'monai', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
