"""One record that is too much for the device, or never ends, costs one row, in this process as on a cluster."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support import runs
from tests.support.monstrous_models import make_endless, make_greedy
from tests.support.small_run import finish, start


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


@pytest.mark.long
@pytest.mark.parametrize("pool", ["serial", pytest.param("ray", marks=pytest.mark.ray)])
def test_a_picture_whose_score_never_comes_is_timed_out(tmp_path: Path, pool: str) -> None:
    archive(tmp_path / "archive", np.full((4, 4), 255, np.uint8))
    text = spec(tmp_path, make_endless(tmp_path / "model"), "limits: {record_timeout: 3s}\n")
    (tmp_path / "spec.yaml").write_text(text.replace("pool: serial", f"pool: {pool}, shard_records: 4"))
    code, said = finish(start(tmp_path / "spec.yaml"), 200)
    assert code == 0, said
    found = runs.rows(tmp_path / "out")
    statuses = dict(zip(found["record_id"], found["status"], strict=True))
    assert statuses == {**{f"{number}.png": "ok" for number in range(6)}, "3-monster.png": "timed_out"}
