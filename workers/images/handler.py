"""Decode and prepare one object where it runs: in a decoding child, or in a thread of the worker."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.errors import RecordError
from workers.children.contract import Handler, Item
from workers.contract import Array
from workers.images.decoding.decode import Decoded, OpenObject, open_object
from workers.images.prepare.image import Step
from workers.images.prepare.plan import prepared
from workers.images.settings import ImagesInput
from workers.images.steps import parse_steps
from workers.threads import cap_decoders


def build(settings: Mapping[str, Any]) -> Handler:
    """`settings`: `input`, the collection's settings; `prepare`, the distinct lists of host steps.

    The handler's context names the `members` (frames; null for what the spec's `frame` picks) wanted of the object,
    and `object`, a name for its bytes where other requests will have the same: it is parsed once in each thread.
    Arrays come back by member, then prepare list, then frame; `meta["members"]` says how many frames there are and
    which range of values each array has, or what failed.
    """
    cap_decoders(1)
    source = ImagesInput.model_validate(settings["input"])
    lists = [parse_steps(steps) for steps in settings["prepare"]]

    opened = _LastOpened()

    def handle(data: memoryview, context: Mapping[str, Any]) -> Item:
        arrays: list[Array] = []
        decode = opened.take(context.get("object"), data, source)
        members = [_member(decode(member), lists, arrays) for member in context["members"]]
        return Item(arrays, {"members": members})

    return handle


class _LastOpened(threading.local):
    """The object that this thread decoded last, if others may ask for frames of it."""

    def __init__(self) -> None:
        self._name: str | None = None
        self._decode: OpenObject | None = None

    def take(self, name: str | None, data: memoryview, source: ImagesInput) -> OpenObject:
        if name is None or name != self._name or self._decode is None:
            # Before another is opened: both may be large.
            self._decode = None
            self._name, self._decode = name, open_object(data, source)
        decode = self._decode
        if name is None:
            self._decode = None
        return decode


def _member(decoded: Decoded, lists: Sequence[Sequence[Step]], arrays: list[Array]) -> dict[str, Any]:
    if decoded.error is not None:
        return {"header": decoded.header, "status": decoded.error.status, "detail": decoded.error.detail}
    try:
        ready = [prepared(steps, frame) for steps in lists for frame in decoded.frames]
    except RecordError as error:
        return {"header": decoded.header, "status": error.status, "detail": error.detail}
    arrays.extend(one.pixels for one in ready)
    return {"header": decoded.header, "frames": len(decoded.frames), "ranges": [one.value_range for one in ready]}
