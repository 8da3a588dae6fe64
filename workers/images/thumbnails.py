"""Small pictures of some images of a finished run, decoded as they were for its models."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import cv2
import numpy as np
import pyarrow as pa

from cluster.storage import StorageSettings
from schemas.thumbnail import Thumbnail
from workers.children.child_pool import ChildPool
from workers.contract import Array
from workers.images.fetching import fetcher_of
from workers.images.png import png_of
from workers.images.reader import ImageReader
from workers.images.settings import ImagesInput
from workers.pipeline.byte_budget import ByteBudget

_SIDE = 160
"""Pixels of the longer side."""
_STEPS = [{"percentile": {"low": 0.5, "high": 99.5, "output": [0, 255]}}]
_BYTES = 64 * 2**20
_SECONDS = 60.0


class _Children:
    """All are decoded in a child process that can be killed."""

    def __init__(self, source: ImagesInput) -> None:
        settings = {"input": source.model_dump(mode="json"), "prepare": [_STEPS]}
        self._pool = ChildPool("workers.images.handler:build", settings, 1, record_timeout_s=_SECONDS)

    def __call__(self, data: bytes | memoryview) -> ChildPool:
        return self._pool

    def close(self) -> None:
        self._pool.close()


def thumbnails(source: ImagesInput, storage: StorageSettings, records: pa.Table) -> Iterator[Thumbnail | None]:
    """One for each of these planned records, in order: one frame, stretched from its own 0.5 to its 99.5
    percentile. None where the image cannot be read any more, or is not the one that was planned."""
    frame = "first" if source.frame == "all" else source.frame
    bare = source.model_copy(update={"carry": (), "subject_id": None, "frame": frame})
    reader = ImageReader(
        fetcher_of(source, storage, at_once=1),
        _Children(bare),
        ByteBudget(_BYTES),
        lists=1,
        by_frame=source.bytes_column is None,
        depth=1,
    )
    with closing(reader):
        for chunk in reader.read(records):
            for record in chunk:
                yield _small(record.inputs[0][0].pixels) if record.status is None else None


def _small(pixels: Any) -> Thumbnail:
    """`pixels` are (rows, columns) or (rows, columns, channels), from 0 to 255."""
    image: Array = np.rint(np.asarray(pixels)).astype(np.uint8)
    if image.ndim == 3:
        image = image[..., :3] if image.shape[2] >= 3 else image[..., 0]
    rows, columns = image.shape[:2]
    scale = min(1.0, _SIDE / max(rows, columns))
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return Thumbnail(png_of(image), size[1], size[0])
