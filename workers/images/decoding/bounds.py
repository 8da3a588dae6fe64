"""Limits that hold before anything is decoded, and which frames are wanted."""

from collections.abc import Sequence

from schemas.errors import RecordError
from schemas.status import Status
from workers.images.settings import ImagesInput


def check_pixels(rows: int, columns: int, channels: int, frames: int, limit: int) -> None:
    """Raises RecordError: unreadable for an image without area, too_large for one above `limit` samples."""
    if min(rows, columns, channels, frames) < 1:
        raise RecordError(Status.UNREADABLE, "its header gives it no area")
    if rows * columns * channels * frames > limit:
        raise RecordError(Status.TOO_LARGE, f"more than {limit} pixels are to be decoded at once (input.max_pixels)")


def wanted_frames(n_frames: int, settings: ImagesInput, frame: int | None) -> Sequence[int]:
    """Numbers of the frames to decode, counted from 0: `frame` if it is given, else what the settings pick.

    Raises RecordError (input_changed) if the image does not have that frame any more.
    """
    if frame is not None:
        if not 0 <= frame < n_frames:
            raise RecordError(Status.INPUT_CHANGED, f"frame {frame} was planned, and there are {n_frames}")
        return (frame,)
    if settings.frame == "all":
        return range(n_frames)
    return (n_frames // 2 if settings.frame == "middle" else 0,)
