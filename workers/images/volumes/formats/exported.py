"""A model on volumes as an archive of torch.export: `model.pt2`, or the file that is named, with `wardround.json`.

    {"format": "volume-pt2", "format_version": 1, "file": "model.pt2",
     "task": "segmentation", "head": {...}, "windows": {...}, ...}

Keys are those of `workers.images.volumes.formats.native`. The program takes one tensor (n, channels, i, j, k) of
float32 and gives one, (n, outputs, i, j, k) or (n, outputs): logits, to which the activation of `head` is applied. Axes
are fixed or free. It is read as data (`workers.models.exported`): torch's own loader, which runs code, is not called.
"""

from pathlib import Path
from typing import Literal

from schemas.errors import SpecError
from schemas.loading import validate
from workers.contract import ModelCard, Placement
from workers.images.formats.onnx import CARD
from workers.images.volumes.contract import VolumeFormat, VolumeModel
from workers.images.volumes.formats.keys import NamedFormat, VolumeKeys, card_of, roi_of
from workers.models.exported.archive import Archive
from workers.models.exported.program import Program, read_program
from workers.models.files import confined, read_json

NAME = "volume-pt2"


class ExportedVolumeCard(VolumeKeys):
    """`wardround.json`."""

    format: Literal["volume-pt2"]
    format_version: Literal[1] = 1
    file: str = "model.pt2"
    notes: str = ""


class ExportedVolumes(NamedFormat):
    """One program of torch.export with its card."""

    def describe(self, directory: Path) -> ModelCard:
        """The card from the program and `wardround.json`. Raises SpecError where they do not fit each other,
        SecurityError for a program that may do more than arithmetic."""
        where = str(directory / CARD)
        card = validate(ExportedVolumeCard, read_json(directory / CARD), where)
        path = confined(directory, card.file)
        archive = Archive(path)
        archive.payloads()
        program = read_program(archive.program(), str(path))
        sides = _sides(program, card, path)
        roi_of(card, sides[1:], where)
        if program.channels not in (None, len(card.head.labels)):
            raise SpecError(
                f"{where}: head has {len(card.head.labels)} labels, the program gives {program.channels} channels"
            )
        if sides[0] is None:
            raise SpecError(f"{path}: leaves free how many channels go in: export it with a fixed number")
        return card_of(card, sides[0], {"file": card.file}, NAME, where)

    def load(self, directory: Path, card: ModelCard, placement: Placement) -> VolumeModel:
        """The program and its weights as a network. Raises SpecError where they do not fit the card."""
        from workers.images.volumes.formats import exported_loaded  # noqa: PLC0415 - imports torch

        return exported_loaded.load(confined(directory, card.settings["file"]), card, placement)


def _sides(program: Program, card: ExportedVolumeCard, path: Path) -> tuple[int | None, ...]:
    """Channels and sides of what the program takes, None where they are free."""
    if len(program.axes) != 5:
        raise SpecError(f"{path}: must take one tensor of five dimensions (n, channels, i, j, k)")
    wanted = 5 if card.task == "segmentation" else 2
    if program.dimensions != wanted:
        raise SpecError(f"{path}: gives {program.dimensions} dimensions, a {card.task} needs {wanted}")
    return tuple(low if low == high else None for low, high in program.axes[1:])


FORMAT: VolumeFormat = ExportedVolumes(NAME)
