"""Loads and runs what workers.images.formats.text_detector describes. Imports onnxruntime and OpenCV."""

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Array, Placement
from workers.images.formats.onnx_session import open_session, run
from workers.images.formats.text_regions import Region, find_regions
from workers.images.formats.text_settings import OUTPUTS, Detection

_STRIDE = 32
"""The network halves its input five times."""


class TextDetector:
    """(rows, columns, 3) uint8 RGB images of any size to the text in them, one image at a time."""

    outputs = OUTPUTS

    def __init__(self, session: Any, settings: Detection) -> None:
        self._session = session
        self._settings = settings
        self._input: str = session.get_inputs()[0].name
        self._output: str = session.get_outputs()[0].name
        self._mean = np.array(settings.mean)
        self._std = np.array(settings.std)

    def batch_key(self, array: Array) -> Hashable:
        """Shape and type, so that a batch is a measure of work."""
        return array.shape, array.dtype.str

    def forward(self, batch: Sequence[Array]) -> Mapping[str, Sequence[Any] | Array]:
        """Find text in each image: one value an image for each of OUTPUTS, which has their meaning."""
        found = [self.regions(image) for image in batch]
        return {
            "text_found": np.array([bool(regions) for regions in found]),
            "text_regions": np.array([len(regions) for regions in found], np.int32),
            "text_score": np.array([max((r.score for r in regions), default=0.0) for regions in found], np.float32),
            "text_boxes": [[_as_row(region) for region in regions] for regions in found],
        }

    def regions(self, image: Array) -> list[Region]:
        """The text in one image. Raises RecordError (out_of_contract) for anything but 8 bit RGB."""
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            detail = "the text detector takes 8 bit images of 3 channels: prepare with to_uint8 and channels"
            raise RecordError(Status.OUT_OF_CONTRACT, detail)
        rows, columns = image.shape[:2]
        height, width = network_size(rows, columns, self._settings)
        # The network was trained on OpenCV's order of colours.
        resized = cv2.resize(np.ascontiguousarray(image[:, :, ::-1]), (width, height))
        normal = ((resized.astype(np.float32) * (1 / 255.0) - self._mean) / self._std).astype(np.float32)
        maps = run(self._session, [self._output], {self._input: normal.transpose(2, 0, 1)[None]})[0]
        return find_regions(maps[0, 0], rows, columns, self._settings)


def network_size(rows: int, columns: int, settings: Detection) -> tuple[int, int]:
    """Rows and columns that the network sees: multiples of 32, neither side above `longest_side` rounded."""
    ratio = max(1.0, settings.shorter_side / min(rows, columns))
    ratio = min(ratio, settings.longest_side / max(rows, columns))
    return _rounded(int(rows * ratio)), _rounded(int(columns * ratio))


def load(path: Path, settings: Detection, placement: Placement) -> TextDetector:
    """Open the detector's session on the device. Raises SpecError where ONNX Runtime does not take the file."""
    cv2.setNumThreads(max(1, placement.threads))
    return TextDetector(open_session(path, placement.device, placement.threads), settings)


def _rounded(side: int) -> int:
    return max(_STRIDE, round(side / _STRIDE) * _STRIDE)


def _as_row(region: Region) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for i, (x, y) in enumerate(region.corners.tolist()):
        row |= {f"x{i}": x, f"y{i}": y}
    return row | {"score": region.score}
