"""A text detector directory made from the model that the package rapidocr-onnxruntime ships (PP-OCRv4, Apache-2.0)."""

import importlib.util
import json
import shutil
from pathlib import Path

from schemas.errors import MissingExtraError
from workers.images.formats.onnx import CARD
from workers.images.formats.text_detector import NAME, WEIGHTS

_PACKAGE = "rapidocr_onnxruntime"
_MODEL = "ch_PP-OCRv4_det_infer.onnx"


def make_text_detector_directory(target: Path) -> Path:
    """Write `model.onnx` and `wardround.json` under `target` and return it. Nothing of the package is imported.

    Raises MissingExtraError if the package is not installed or ships another model.
    """
    source = _packaged_model()
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target / WEIGHTS)
    notes = f"{_MODEL} of the package rapidocr-onnxruntime, PP-OCRv4 by PaddlePaddle, Apache-2.0"
    card = {"format": NAME, "format_version": 1, "notes": notes}
    (target / CARD).write_text(json.dumps(card, indent=2) + "\n")
    return target


def _packaged_model() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    for root in (spec.submodule_search_locations or []) if spec else []:
        path = Path(root) / "models" / _MODEL
        if path.is_file():
            return path
    raise MissingExtraError("rapidocr-onnxruntime", "demo")
