"""The images that every contestant scores: textured 8-bit PNGs of 256 x 256 pixels in Parquet files."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

SIDE = 256
FILE_ROWS = 1_000
GROUP_ROWS = 250
_BLURS = (1, 2, 3, 5)


def image_files(folder: Path, images: int, side: int = SIDE) -> Path:
    """A directory of Parquet files (`id`, `png`) with `images` records, made once and kept in `folder`."""
    made = folder / f"images-{images}-{side}px"
    if made.is_dir():
        return made
    unfinished = folder / f"{made.name}.part"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    write_images(unfinished, images, side)
    unfinished.rename(made)
    return made


def write_images(folder: Path, images: int, side: int) -> None:
    """Write the records as files of 1,000 rows in row groups of 250. The same pixels every time."""
    rng = np.random.default_rng(0)
    given = textures(rng, side)
    for start in range(0, images, FILE_ROWS):
        rows = range(start, min(start + FILE_ROWS, images))
        bodies = [_encode(varied(given[row % len(given)], rng)) for row in rows]
        table = pa.table({"id": [record_id(row) for row in rows], "png": pa.array(bodies, pa.binary())})
        pq.write_table(table, folder / f"{start // FILE_ROWS:03d}.parquet", row_group_size=GROUP_ROWS)


def record_id(row: int) -> str:
    """Id of a record by its place in the files."""
    return f"r{row:06d}"


def read_some(folder: Path, images: int) -> dict[str, bytes]:
    """About `images` records spread over all files: PNG by id."""
    files = sorted(folder.glob("*.parquet"))
    found: dict[str, bytes] = {}
    for path in files:
        table = pq.read_table(path)
        places = np.linspace(0, table.num_rows - 1, -(-images // len(files)), dtype=int)
        taken = table.take(pa.array(places))
        found.update(zip(taken["id"].to_pylist(), taken["png"].to_pylist(), strict=True))
    return found


def textures(rng: np.random.Generator, side: int) -> list[NDArray[np.uint8]]:
    """Some pictures to make others from."""
    return [_texture(rng, blur, side) for blur in _BLURS]


def _texture(rng: np.random.Generator, blur: float, side: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.GaussianBlur(rng.integers(0, 255, (side, side), dtype=np.uint8), (0, 0), blur), np.uint8)


def varied(texture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Shifted randomly, with noise on top, so that no two files compress alike."""
    side = len(texture)
    shifted = np.roll(texture, (int(rng.integers(side)), int(rng.integers(side))), (0, 1))
    return np.asarray(cv2.add(shifted, rng.integers(0, 12, (side, side), dtype=np.uint8)), np.uint8)


def _encode(image: NDArray[np.uint8]) -> bytes:
    body: bytes = cv2.imencode(".png", image)[1].tobytes()
    return body
