"""One record that is too much for the device, or never ends, costs one row, in this process as on a cluster."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from safetensors.torch import save_file

from tests.support import runs
from tests.support.mistakes.world import native
from tests.support.monstrous_models import make_endless, make_greedy
from tests.support.small_run import finish, start
from workers.images.networks import smallcnn


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
def test_a_bomb_below_max_pixels_is_too_large_by_what_its_network_would_need(tmp_path: Path) -> None:
    """31 KB of PNG, 256 megapixels, through a network of 256 channels: more memory than any machine has."""
    text = yaml.safe_dump(native(tmp_path)).replace("HERE", str(tmp_path))
    wide = smallcnn.Config(in_channels=1, num_outputs=2, channels=(256, 8), strides=(1, 2))
    config = json.loads((tmp_path / "native/config.json").read_text())
    config["settings"] |= {"channels": [256, 8], "strides": [1, 2]}
    (tmp_path / "native/config.json").write_text(json.dumps(config))
    save_file(smallcnn.build(wide).state_dict(), tmp_path / "native/model.safetensors")
    (tmp_path / "images/3-bomb.png").write_bytes(blank_png(16_000))
    assert (tmp_path / "images/3-bomb.png").stat().st_size < 300_000
    runs.run(text)
    found = runs.rows(tmp_path / "out")
    assert dict(zip(found["record_id"], found["status"], strict=True)) == {
        **{f"{number}.png": "ok" for number in range(6)},
        "3-bomb.png": "too_large",
    }
    (detail,) = found["detail"].drop_nulls()
    assert "scoring it needs" in detail


def blank_png(side: int) -> bytes:
    """A square picture of one colour, as small as PNG can be."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    packer = zlib.compressobj(9)
    line = bytes(side + 1)
    lines = b"".join(packer.compress(line) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")


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
