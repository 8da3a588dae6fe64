"""A directory with one `.keras` file (Keras 3) or `.h5` file (Keras 2 or 3) of an image classifier.

Read are Sequential and Functional models of the layers in workers.images.formats.keras_layers, data channels last,
which become a torch network; Keras is not needed. Whatever else a file names (Lambda, classes of somebody's own, models
within models) is refused by name, and nothing in it is evaluated.

Beside it may lie a card, `wardround.json`:
    {"format": "keras", "format_version": 1, "file": "model.keras",
     "labels": ["normal", "pneumonia"],   default 0, 1, ...: the columns are `score_<label>`
     "outputs": [...], "prepare": [...], "value_range": [0, 255], "notes": "..."}
A Keras file does not say how its images are made, so `prepare` stands there or in the spec.
"""

from pathlib import Path
from typing import Any, Literal

from schemas.errors import SpecError
from schemas.frozen import Frozen
from schemas.loading import validate
from schemas.outputs import OutputField
from workers.contract import Model, ModelCard, Placement
from workers.images.contract import ImageFormat
from workers.images.formats.keras_file import read_config
from workers.images.formats.keras_graph import KerasGraph, graph_of
from workers.images.prepare.image import Range
from workers.images.value_contract import range_spoken_of
from workers.models.files import confined, read_json
from workers.models.head import Head, check_fields

CARD = "wardround.json"
_ENDINGS = (".keras", ".h5", ".hdf5")
_UNPREPARED = (
    "a Keras file does not say how its images are made: write the `prepare` steps (channels, resize, rescale) in the "
    f"spec, or into {CARD} beside the file"
)


class KerasCard(Frozen):
    """`wardround.json`."""

    format: Literal["keras"]
    format_version: Literal[1] = 1
    file: str | None = None
    labels: tuple[str, ...] = ()
    outputs: tuple[OutputField, ...] = ()
    prepare: tuple[str | dict[str, Any], ...] = ()
    value_range: tuple[float, float] | None = None
    notes: str = ""


class Keras:
    """One file of Keras, with a card or without."""

    looks_for = "one *.keras or *.h5 file"

    def recognises(self, directory: Path) -> bool:
        """Whether there is such a file, and no card of another format."""
        card = directory / CARD
        if card.is_file():
            return bool(read_json(card).get("format") == "keras")
        return bool(_files(directory)) and not (directory / "config.json").is_file()

    def describe(self, directory: Path) -> ModelCard:
        """The card from the file's configuration and `wardround.json`.

        Raises SpecError for a layer or a setting that is not supported, by name.
        """
        at = directory / CARD
        card = validate(KerasCard, read_json(at), str(at)) if at.is_file() else KerasCard(format="keras")
        path = _model_file(directory, card)
        graph = graph_of(read_config(path), str(path))
        labels = card.labels or tuple(map(str, range(graph.labels)))
        if len(labels) != graph.labels:
            raise SpecError(f"{at}: has {len(labels)} labels, {path.name} gives {graph.labels} numbers")
        return ModelCard(
            format="keras",
            outputs=check_fields(Head(activation=_activation(graph), labels=labels), card.outputs, str(at)),
            prepare=card.prepare,
            channels=graph.shape[2],
            value_range=card.value_range or _taken(graph),
            settings={
                "file": path.name,
                # The network has its activation itself.
                "activation": "none",
                **({} if card.prepare else {"prepare_problem": _UNPREPARED}),
            },
        )

    def load(self, directory: Path, card: ModelCard, placement: Placement) -> Model:
        """The network on its device. Raises SpecError if weights are missing or do not fit the configuration."""
        from workers.images.formats import keras_loaded  # noqa: PLC0415 - imports torch, which the driver must not

        return keras_loaded.load(directory / card.settings["file"], card, placement)


def _files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.iterdir() if path.suffix in _ENDINGS)


def _model_file(directory: Path, card: KerasCard) -> Path:
    if card.file is not None:
        path = confined(directory, card.file)
        if path.parent != directory or path.suffix not in _ENDINGS or not path.is_file():
            raise SpecError(f"{directory / CARD}: file must name a .keras or .h5 file in the model directory")
        return path
    found = _files(directory)
    if len(found) != 1:
        raise SpecError(f"{directory}: holds {len(found)} files of Keras: name one of them as 'file' in {CARD}")
    return confined(directory, found[0].name)


def _activation(graph: KerasGraph) -> Any:
    return graph.activation if graph.activation in ("sigmoid", "softmax") else "none"


def _taken(graph: KerasGraph) -> Range | None:
    """The values that go in, where the first layer is a Rescaling that speaks of them, such as 1/255."""
    first = next((layer for layer in graph.layers if layer.inputs == (graph.layers[0].name,)), None)
    if first is None or first.kind != "Rescaling" or isinstance(first.config.get("scale"), list):
        return None
    return range_spoken_of(float(first.config["scale"]))


FORMAT: ImageFormat = Keras()
