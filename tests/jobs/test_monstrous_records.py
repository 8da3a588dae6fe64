"""One record that is too much for the device, or never ends, costs one row, in this process as on a cluster."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support import runs
from tests.support.monstrous_models import make_greedy


def archive(folder: Path, monster: np.ndarray, count: int = 6) -> Path:
    """Small dark pictures, and one that is not."""
    folder.mkdir()
    for number in range(count):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((4, 4), 10 + number, np.uint8))
    cv2.imwrite(str(folder / "3-monster.png"), monster)
    return folder


def spec(folder: Path, model: Path, limits: str = "") -> str:
    return (
        f"job: predict\nname: monster\ninput: {{collection: images, uri: {folder / 'archive'}}}\n"
        f"models: {{m: {{uri: {model}}}}}\noutput: {{uri: {folder / 'out'}}}\ncompute: {{pool: serial}}\n{limits}"
    )


@pytest.mark.long
def test_a_picture_that_the_device_has_no_memory_for_is_too_large(tmp_path: Path) -> None:
    archive(tmp_path / "archive", np.zeros((3000, 3000), np.uint8))
    runs.run(spec(tmp_path, make_greedy(tmp_path / "model")))
    found = runs.rows(tmp_path / "out")
    assert dict(zip(found["record_id"], found["status"], strict=True)) == {
        **{f"{number}.png": "ok" for number in range(6)},
        "3-monster.png": "too_large",
    }
    assert found["scores"].drop_nulls().to_list() == [float((10 + number) ** 2) for number in range(6)]
    (detail,) = found["detail"].drop_nulls()
    assert "no memory" in detail
