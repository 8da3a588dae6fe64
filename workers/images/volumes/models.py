"""What a run over volumes asks of its models: that they see three axes, and which columns they write."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from schemas.errors import SpecError
from workers.contract import ModelCard
from workers.images.settings import ImagesInput
from workers.images.volumes.card import VolumeCard, volume_card
from workers.images.volumes.outputs.columns import outputs_of
from workers.images.volumes.steps import parse_steps


def check_axes(card: ModelCard, source: ImagesInput) -> None:
    """Raises SpecError for a model that sees another number of axes than the records of the input have."""
    if source.has_volumes and volume_card(card) is None:
        raise SpecError(
            f"it sees single images, and input.record: {source.record} makes volumes: write input.record: image or "
            "frame, or name a model on volumes"
        )
    if not source.has_volumes and volume_card(card) is not None:
        raise SpecError(
            f"it sees volumes, and input.record: {source.record} makes single images: write input.record: series, or "
            "name a model on images"
        )


def checked_steps(steps: Sequence[Any]) -> tuple[Any, ...]:
    """A prepare list of volumes. Raises SpecError."""
    parse_steps(list(steps))
    return tuple(steps)


def with_outputs(card: ModelCard, source: ImagesInput) -> ModelCard:
    """The card with the columns that the spec asks for. Raises SpecError."""
    volume = card_of(card)
    return card if volume.task == "classification" else replace(card, outputs=outputs_of(volume, source.segmentation))


def card_of(card: ModelCard) -> VolumeCard:
    """What is known of a model on volumes, which it is."""
    found: VolumeCard | None = volume_card(card)
    assert found is not None
    return found
