"""Finds text in images: a detector of the PP-OCR family (`model.onnx`) with its settings (`wardround.json`).

    {"format": "text-detector", "format_version": 1, "box_threshold": 0.5, ...}    all but the first may be left out

Method: Liao et al., "Real-time Scene Text Detection with Differentiable Binarization", AAAI 2020. Defaults are those
of RapidOCR for PP-OCRv4.

Prepare: the detector wants what a person would see, 8 bit and three channels. By default the view that a DICOM header
recommends is taken where there is one, then each image's own smallest and largest value become 0 and 255, so that
12 and 16 bit images are neither black nor clipped; an 8 bit image that already spans 0 to 255 stays as it is.
"""

from pathlib import Path
from typing import Any, Literal

from schemas.errors import SpecError
from schemas.loading import validate
from workers.contract import Model, ModelCard, Placement
from workers.images.contract import ImageFormat
from workers.images.formats.onnx import CARD, check_external
from workers.images.formats.onnx_file import read_graph
from workers.images.formats.text_settings import OUTPUTS, Detection
from workers.images.prepare.libraries import opencv
from workers.images.value_contract import EIGHT_BITS
from workers.models.files import read_json

NAME = "text-detector"
WEIGHTS = "model.onnx"

PREPARE: tuple[dict[str, Any], ...] = (
    {"voi": {"missing": "keep"}},
    {"to_uint8": {"source": "image"}},
    {"channels": {"to": 3}},
)


class Card(Detection):
    """`wardround.json`."""

    format: Literal["text-detector"]
    format_version: Literal[1] = 1
    prepare: tuple[str | dict[str, Any], ...] = PREPARE
    notes: str = ""


class TextDetectorDirectory:
    """A detector of text in images, as an ONNX graph with its settings."""

    looks_for = "wardround.json with format 'text-detector'"

    def recognises(self, directory: Path) -> bool:
        """Whether `wardround.json` names this format."""
        path = directory / CARD
        return path.is_file() and bool(read_json(path).get("format") == NAME)

    def describe(self, directory: Path) -> ModelCard:
        """The card. Raises SpecError with what is wrong in it, SecurityError if weights lie outside the directory."""
        card = validate(Card, read_json(directory / CARD), str(directory / CARD))
        graph = read_graph(directory / WEIGHTS)
        check_external(directory, graph)
        if len(graph.inputs) != 1 or len(graph.inputs[0].shape) != 4:
            raise SpecError(f"{directory / WEIGHTS}: must have one input (N, 3, H, W)")
        settings = card.model_dump(mode="json", include=set(Detection.model_fields))
        return ModelCard(NAME, OUTPUTS, card.prepare, channels=3, value_range=EIGHT_BITS, settings=settings)

    def load(self, directory: Path, card: ModelCard, placement: Placement) -> Model:
        """The detector. Raises SpecError if `prepare` ends with rescale or standardise: it normalises by itself.

        Raises MissingExtraError without OpenCV.
        """
        if placement.affine is not None:
            raise SpecError(f"{directory}: a text detector takes 8 bit images: drop the last steps of 'prepare'")
        opencv()
        check_external(directory, read_graph(directory / WEIGHTS))
        from workers.images.formats import text_detector_loaded  # noqa: PLC0415 - imports onnxruntime and OpenCV

        settings = Detection.model_validate(dict(card.settings))
        return text_detector_loaded.load(directory / WEIGHTS, settings, placement)


FORMAT: ImageFormat = TextDetectorDirectory()
